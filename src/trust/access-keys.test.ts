import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { readAccessKeys } from './access-keys.ts'

const folder = mkdtempSync(join(tmpdir(), 'holdfast-keys-'))
after(() => rmSync(folder, { recursive: true, force: true }))

function fileWith(content: string): string {
  const path = join(folder, 'keys.json')
  rmSync(path, { force: true })
  writeFileSync(path, content, { mode: 0o600 })
  return path
}

test('keys come from the environment and from the file', async () => {
  const file = fileWith('[{"accessKeyId": "AKIAFILE", "secretAccessKey": "a:b,c", "account": "222222222222"}]')
  const keys = await readAccessKeys({ text: 'AKIAONE:s3cr/et+=, AKIATWO:two:111111111111', file })
  assert.equal(keys.count, 3)
  assert.equal(keys.secretOf('AKIAONE'), 's3cr/et+=')
  assert.equal(keys.accountOf('AKIAONE'), '000000000000')
  assert.equal(keys.accountOf('AKIATWO'), '111111111111')
  assert.equal(keys.secretOf('AKIAFILE'), 'a:b,c')
  assert.equal(keys.accountOf('AKIAFILE'), '222222222222')
})

test('a key id of twelve digits is its account unless another is given', async () => {
  const keys = await readAccessKeys({ text: '123456789012:x,210987654321:y:000000000001', file: undefined })
  assert.equal(keys.accountOf('123456789012'), '123456789012')
  assert.equal(keys.accountOf('210987654321'), '000000000001')
})

test('a key that is not configured has neither secret nor account', async () => {
  const keys = await readAccessKeys({ text: undefined, file: undefined })
  assert.equal(keys.count, 0)
  assert.equal(keys.secretOf('AKIANONE'), undefined)
  assert.equal(keys.accountOf('123456789012'), undefined)
})

test('a mistake in the configuration is told by its place and without the secret', async () => {
  const complaint = async (text: string | undefined, file?: string): Promise<string> =>
    readAccessKeys({ text, file }).then(
      () => 'accepted',
      (error: Error) => error.message,
    )
  assert.match(await complaint('AKIA:hidden:12'), /key 1 \(AKIA\): the account/)
  assert.match(await complaint('AKIA:hidden:111111111111:x'), /the account/)
  assert.match(await complaint('AKIA'), /no secret/)
  assert.match(await complaint('A:hidden,A:hidden'), /A is configured twice/)
  assert.match(await complaint(undefined, fileWith('{"hidden": 1}')), /must hold a list/)
  assert.match(
    await complaint(undefined, fileWith('[{"accessKeyId": "A", "secretAccessKey": hidden}]')),
    /not valid JSON$/,
  )
  assert.match(await complaint(undefined, fileWith('["hidden"]')), /key 1: no usable access key id/)
  assert.match(await complaint(undefined, join(folder, 'nowhere')), /does not exist/)
  for (const text of ['AKIA:hidden:12', 'A:hidden,A:hidden']) assert.doesNotMatch(await complaint(text), /hidden/)
})

test('a key file that others may read is refused', async () => {
  const file = fileWith('[]')
  chmodSync(file, 0o604)
  await assert.rejects(readAccessKeys({ text: undefined, file }), /chmod 600/)
})
