import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { openVault } from './open-vault.ts'

const root = mkdtempSync(join(tmpdir(), 'holdfast-vault-'))
after(() => rmSync(root, { recursive: true, force: true }))
let folders = 0
const newFolder = (): string => join(root, `state-${++folders}`)

test('what was sealed is opened again, also by a vault opened later', async () => {
  const folder = newFolder()
  const sealed = (await openVault(folder)).seal('pässword', 'db/one')
  assert.equal((await openVault(folder)).open(sealed, 'db/one'), 'pässword')
  assert.ok(!Buffer.from(sealed, 'base64').includes('pässword'))
})

test('the same text is sealed differently each time', async () => {
  const vault = await openVault(newFolder())
  assert.notEqual(vault.seal('text', 'label'), vault.seal('text', 'label'))
})

test('a sealed text is refused under another label, another key, or when any byte was altered', async () => {
  const vault = await openVault(newFolder())
  const sealed = vault.seal('text', 'label')
  assert.throws(() => vault.open(sealed, 'other'), /open other: it was altered/)
  const another = await openVault(newFolder())
  assert.throws(() => another.open(sealed, 'label'), /another key/)
  const bytes = Buffer.from(sealed, 'base64')
  for (let at = 0; at < bytes.length; at++) {
    const altered = Buffer.from(bytes)
    altered[at]! ^= 1
    assert.throws(() => vault.open(altered.toString('base64'), 'label'), `byte ${at}`)
  }
  assert.throws(() => vault.open('', 'label'))
  assert.throws(() => vault.open(bytes.subarray(0, 20).toString('base64'), 'label'))
})

test('a derived secret depends on its label and on the key, and on nothing else', async () => {
  const folder = newFolder()
  const [first, again, other] = [await openVault(folder), await openVault(folder), await openVault(newFolder())]
  assert.equal(first.derive('a').length, 32)
  assert.deepEqual(first.derive('a'), again.derive('a'))
  assert.notDeepEqual(first.derive('a'), first.derive('b'))
  assert.notDeepEqual(first.derive('a'), other.derive('a'))
})

test('vaults that are opened at once in a new folder share one key', async () => {
  const folder = newFolder()
  const vaults = await Promise.all(Array.from({ length: 6 }, () => openVault(folder)))
  const secrets = new Set(vaults.map((vault) => vault.derive('x').toString('hex')))
  assert.equal(secrets.size, 1)
  assert.equal(statSync(join(folder, 'vault.key')).mode & 0o777, 0o600)
})

test('a damaged key file is refused and left as it is', async () => {
  const folder = newFolder()
  await openVault(folder)
  const path = join(folder, 'vault.key')
  const text = readFileSync(path, 'utf8')
  const flipped = text.replace(/:(.)(?=[^:]{42}:)/, (_, c: string) => `:${c === 'A' ? 'B' : 'A'}`)
  assert.notEqual(flipped, text)
  for (const damaged of ['', text.slice(0, 40), flipped, 'x'.repeat(text.length)]) {
    writeFileSync(path, damaged)
    await assert.rejects(openVault(folder), /vault\.key is damaged.*backup/)
    assert.equal(readFileSync(path, 'utf8'), damaged)
  }
})

test('a key file that others may read is refused', async () => {
  const folder = newFolder()
  await openVault(folder)
  chmodSync(join(folder, 'vault.key'), 0o644)
  await assert.rejects(openVault(folder), /chmod 600/)
})
