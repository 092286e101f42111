/** The address of a Multi-AZ instance: it outlives serve, and comes back by itself when its process is killed. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { DBInstance } from '@aws-sdk/client-rds'
import pg from 'pg'
import { isAlive, signal, whenGone } from '#host/process.ts'
import { recordedEndpoint } from '../../src/role/endpoint-process.ts'
import { stateFolder } from '../../src/role/state-folder.ts'
import { connect, createInstance, instanceIn, PASSWORD } from '../support/database.ts'
import { discard, eventually, processesOf, startHoldfast, type Holdfast } from '../support/holdfast.ts'

let holdfast: Holdfast
let instance: DBInstance
let login: () => Promise<pg.Client>

before(async () => {
  holdfast = await startHoldfast()
  instance = await createInstance(holdfast.rds(), 'two', { MultiAZ: true, BackupRetentionPeriod: 0 })
  const ca = await (await fetch(`${holdfast.url}/_holdfast/ca.pem`)).text()
  // Serve will not be there to be asked for its certificate.
  login = async () => {
    const client = new pg.Client({
      host: 'localhost',
      port: instance.Endpoint!.Port!,
      user: 'app',
      password: PASSWORD,
      database: 'postgres',
      ssl: { ca, servername: 'localhost' },
    })
    client.on('error', () => {})
    await client.connect()
    return client
  }
})
after(() => discard(holdfast))

const one = async (client: pg.Client): Promise<void> => {
  assert.deepEqual((await client.query('select 1 as one')).rows, [{ one: 1 }])
}

async function killEndpoint(): Promise<void> {
  const identity = (await recordedEndpoint(stateFolder(holdfast.state)))!
  signal(identity, 'SIGKILL')
  await whenGone(identity)
}

const comesIn = (): Promise<pg.Client> => eventually('a client comes in', () => login())

test('sessions go on over the death of serve, new ones come in without it, and its successor finds all as it is', async () => {
  const session = await login()
  const before = (await recordedEndpoint(stateFolder(holdfast.state)))!
  await holdfast.kill()
  await one(session)
  const another = await login()
  holdfast = await startHoldfast({ state: holdfast.state })
  await instanceIn(holdfast.rds(), 'two', 'available', (i) => i.MultiAZ === true)
  await one(session)
  await one(another)
  assert.ok(isAlive(before), 'the same process still')
  await session.end()
  await another.end()
})

test('a killed endpoint process is back at the same address, with serve and without', async () => {
  const lost = await login()
  await killEndpoint()
  await assert.rejects(one(lost))
  await (await comesIn()).end()
  await holdfast.kill()
  await killEndpoint()
  const session = await comesIn()
  await one(session)
  holdfast = await startHoldfast({ state: holdfast.state })
  const now = await instanceIn(holdfast.rds(), 'two', 'available', (i) => i.MultiAZ === true)
  assert.deepEqual(now.Endpoint, instance.Endpoint)
  await one(session)
  await session.end()
  await (await connect(holdfast, now)).end()
})

test('the whole machine dies: the address is back with the next start', async () => {
  const before = (await recordedEndpoint(stateFolder(holdfast.state)))!
  await holdfast.kill()
  for (const { pid } of await processesOf(holdfast.state)) process.kill(pid, 'SIGKILL')
  await whenGone(before)
  holdfast = await startHoldfast({ state: holdfast.state })
  const now = await instanceIn(holdfast.rds(), 'two', 'available', (i) => i.MultiAZ === true)
  assert.deepEqual(now.Endpoint, instance.Endpoint)
  const session = await comesIn()
  await one(session)
  await session.end()
})
