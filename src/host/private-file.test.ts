import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { createPrivateFile, readPrivateFile } from './private-file.ts'

const folder = mkdtempSync(join(tmpdir(), 'holdfast-private-'))
after(() => rmSync(folder, { recursive: true, force: true }))

test('of many that make the file at once one succeeds, and nothing else is left', async () => {
  const path = join(folder, 'key')
  const made = await Promise.all(Array.from({ length: 8 }, (_, i) => createPrivateFile(path, `content ${i}`)))
  assert.equal(made.filter(Boolean).length, 1)
  assert.equal(await readPrivateFile(path), `content ${made.indexOf(true)}`)
  assert.deepEqual(readdirSync(folder), ['key'])
  assert.equal(statSync(path).mode & 0o777, 0o600)
})

test('a file that others may read is refused with the command that mends it', async () => {
  const path = join(folder, 'open')
  await createPrivateFile(path, 'secret')
  chmodSync(path, 0o640)
  await assert.rejects(readPrivateFile(path), /mode 0640.*chmod 600/)
})

test('an absent file is undefined', async () => {
  assert.equal(await readPrivateFile(join(folder, 'nowhere')), undefined)
})
