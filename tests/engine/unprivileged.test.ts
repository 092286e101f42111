/** Holdfast under an account without privileges: the engines then run under the same one. */
import assert from 'node:assert/strict'
import { chmod, chown, mkdir, mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import {
  CreateDBSnapshotCommand,
  RestoreDBInstanceFromDBSnapshotCommand,
  waitUntilDBSnapshotAvailable,
} from '@aws-sdk/client-rds'
import { createInstance, instanceIn, query } from '../support/database.ts'
import { discard, newStateFolder, processesOf, startHoldfast, type Holdfast } from '../support/holdfast.ts'

const isRoot = process.getuid?.() === 0
/** `nobody`, when we are root; else ourselves. */
const account = isRoot ? { uid: 65_534, gid: 65_534 } : { uid: process.getuid!(), gid: process.getgid!() }

let closed: string
let holdfast: Holdfast

before(async () => {
  const state = await newStateFolder()
  const home = join(state, 'home')
  await mkdir(home)
  for (const folder of [state, home]) {
    await chmod(folder, 0o700)
    await chown(folder, account.uid, account.gid)
  }
  // As /root/bin is on the PATH of who comes by su or sudo: a folder that the account may not look into.
  closed = await mkdtemp(join(tmpdir(), 'holdfast-closed-'))
  const env = { HOME: home, PATH: `${join(closed, 'bin')}:${process.env['PATH']}` }
  holdfast = await startHoldfast({ state, env, ...(isRoot && { account }) })
})

after(async () => {
  await rm(closed, { recursive: true })
  await discard(holdfast)
})

test('everything works without root, under one account, in a folder closed to all others', async () => {
  const rds = holdfast.rds()
  const created = await createInstance(rds, 'plain', { DBName: 'shop' })
  await query(holdfast, created, 'create table kept as select 42 as answer', { database: 'shop' })
  await rds.send(new CreateDBSnapshotCommand({ DBInstanceIdentifier: 'plain', DBSnapshotIdentifier: 'plain-1' }))
  await waitUntilDBSnapshotAvailable(
    { client: rds, maxWaitTime: 60, minDelay: 1, maxDelay: 1 },
    { DBSnapshotIdentifier: 'plain-1' },
  )
  await rds.send(
    new RestoreDBInstanceFromDBSnapshotCommand({ DBInstanceIdentifier: 'again', DBSnapshotIdentifier: 'plain-1' }),
  )
  const restored = await instanceIn(rds, 'again', 'available')
  assert.deepEqual(await query(holdfast, restored, 'select answer from kept', { database: 'shop' }), [{ answer: 42 }])
  const running = await processesOf(holdfast.state)
  // Serve, one agent, two engines.
  assert.equal(running.length, 4, running.map(({ command }) => command).join('\n'))
  for (const { pid } of running) {
    const [, uid] = /^Uid:\s+(\d+)/m.exec(await readFile(`/proc/${pid}/status`, 'utf8'))!
    assert.equal(Number(uid), account.uid)
  }
  assert.equal((await stat(join(holdfast.state, 'trust'))).mode & 0o777, 0o700)
  await holdfast.stop()
  assert.equal(await holdfast.exited, 0)
  assert.deepEqual(await processesOf(holdfast.state), [])
})
