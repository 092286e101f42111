import assert from 'node:assert/strict'
import { test } from 'node:test'
import { engineAccount, parseAccount } from './account.ts'

const PASSWD = 'root:x:0:0:root:/root:/bin/bash\nholdfast2:x:7:8::/:/bin/sh\nholdfast:x:996:995::/home:/bin/sh\n'
const isRoot = process.getuid?.() === 0

test('an account is found by its whole name', () => {
  assert.deepEqual(parseAccount(PASSWD, 'holdfast'), { name: 'holdfast', uid: 996, gid: 995 })
  assert.equal(parseAccount(PASSWD, 'hold'), undefined)
})

test('root gets an unprivileged account, anybody else none', async () => {
  const account = await engineAccount({})
  if (!isRoot) return assert.equal(account, undefined)
  assert.ok(account && account.uid > 0)
})

test('the account asked for must exist and must not be root', { skip: !isRoot && 'only root chooses' }, async () => {
  assert.equal((await engineAccount({ HOLDFAST_ENGINE_USER: 'nobody' }))?.name, 'nobody')
  await assert.rejects(engineAccount({ HOLDFAST_ENGINE_USER: 'no-such-account' }), /no-such-account/)
  await assert.rejects(engineAccount({ HOLDFAST_ENGINE_USER: 'root' }), /must not name root/)
})
