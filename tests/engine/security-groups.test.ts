/** Security groups against real engines, directly and through a gateway: who comes from where is let in, and who is not. */
import assert from 'node:assert/strict'
import { Socket } from 'node:net'
import { after, before, test, type TestContext } from 'node:test'
import {
  AuthorizeSecurityGroupIngressCommand,
  CreateSecurityGroupCommand,
  EC2Client,
  RevokeSecurityGroupIngressCommand,
  type IpPermission,
} from '@aws-sdk/client-ec2'
import {
  ModifyDBInstanceCommand,
  StartDBInstanceCommand,
  StopDBInstanceCommand,
  type DBInstance,
  type RDSClient,
} from '@aws-sdk/client-rds'
import pg from 'pg'
import { createInstance, describe, instanceIn, PASSWORD } from '../support/database.ts'
import { discard, eventually, startHoldfast, type Holdfast } from '../support/holdfast.ts'

let holdfast: Holdfast
let rds: RDSClient
let ec2: EC2Client
let groups = 0

before(async () => {
  holdfast = await startHoldfast()
  useClients()
})
after(() => discard(holdfast))

function useClients(): void {
  rds = holdfast.rds()
  const credentials = { accessKeyId: 'test', secretAccessKey: 'test' }
  ec2 = new EC2Client({ endpoint: holdfast.url, region: 'us-east-1', credentials })
}

/** Looks like a client on another machine: an address of its own. */
class SocketFrom extends Socket {
  private readonly source: string

  constructor(source: string) {
    super()
    this.source = source
  }

  override connect(...args: unknown[]): this {
    const [port] = args as [number]
    return super.connect({ port, host: '127.0.0.1', localAddress: this.source })
  }
}

async function connectFrom(source: string, instance: DBInstance): Promise<pg.Client> {
  const client = new pg.Client({
    host: '127.0.0.1',
    port: instance.Endpoint!.Port!,
    user: 'app',
    password: PASSWORD,
    database: 'postgres',
    ssl: { rejectUnauthorized: false },
    stream: () => new SocketFrom(source),
  })
  client.on('error', () => {})
  await client.connect()
  return client
}

const isLetIn = async (source: string, instance: DBInstance): Promise<boolean> => {
  try {
    await (await connectFrom(source, instance)).end()
    return true
  } catch (error) {
    // pg_hba's words, or a reset from a gateway: anything else is another trouble.
    const { code, message } = error as { code?: string; message: string }
    if (code === '28000' || code === 'ECONNRESET' || /terminated|disconnected/.test(message)) return false
    throw error
  }
}

const comesToBe = (instance: DBInstance, expected: Readonly<Record<string, boolean>>): Promise<true> =>
  eventually(`let in at ${instance.DBInstanceIdentifier}: ${JSON.stringify(expected)}`, async () => {
    for (const [source, allowed] of Object.entries(expected))
      if ((await isLetIn(source, instance)) !== allowed) return undefined
    return true
  })

const newGroup = async (): Promise<string> =>
  (await ec2.send(new CreateSecurityGroupCommand({ GroupName: `g${++groups}`, Description: 'clients' }))).GroupId!

const from = (CidrIp: string, ports: [number, number] = [0, 65_535]): IpPermission[] => [
  { IpProtocol: 'tcp', FromPort: ports[0], ToPort: ports[1], IpRanges: [{ CidrIp }] },
]
const authorize = (GroupId: string, IpPermissions: IpPermission[]): Promise<unknown> =>
  ec2.send(new AuthorizeSecurityGroupIngressCommand({ GroupId, IpPermissions }))
const revoke = (GroupId: string, IpPermissions: IpPermission[]): Promise<unknown> =>
  ec2.send(new RevokeSecurityGroupIngressCommand({ GroupId, IpPermissions }))

const memberships = async (id: string): Promise<Record<string, string>> =>
  Object.fromEntries(
    (await describe(rds, id))!.VpcSecurityGroups!.map(({ VpcSecurityGroupId, Status }) => [
      VpcSecurityGroupId!,
      Status!,
    ]),
  )

/** Joins a group instead of what it is in, and sees it become active. */
async function join(id: string, ...VpcSecurityGroupIds: string[]): Promise<void> {
  const before = Object.keys(await memberships(id))
  const { DBInstance } = await rds.send(new ModifyDBInstanceCommand({ DBInstanceIdentifier: id, VpcSecurityGroupIds }))
  const shown = Object.fromEntries(DBInstance!.VpcSecurityGroups!.map((m) => [m.VpcSecurityGroupId!, m.Status!]))
  for (const group of VpcSecurityGroupIds) assert.equal(shown[group], before.includes(group) ? 'active' : 'adding')
  for (const group of before) assert.equal(shown[group], VpcSecurityGroupIds.includes(group) ? 'active' : 'removing')
  const wanted = Object.fromEntries(VpcSecurityGroupIds.map((group) => [group, 'active']))
  await eventually('the groups are active', async () => {
    const now = await memberships(id)
    return JSON.stringify(Object.entries(now).sort()) === JSON.stringify(Object.entries(wanted).sort()) || undefined
  })
}

/** What holds of an instance whichever way its clients come in. */
async function rulesHold(t: TestContext, instance: DBInstance): Promise<void> {
  const id = instance.DBInstanceIdentifier!
  const { Port: port } = instance.Endpoint!
  assert.ok(await isLetIn('127.0.0.1', instance), 'the default group lets in whoever is on this machine')
  assert.ok(await isLetIn('127.0.0.2', instance))

  const open = await connectFrom('127.0.0.1', instance)
  t.after(() => open.end())
  const empty = await newGroup()
  await join(id, empty)
  assert.deepEqual(
    [await isLetIn('127.0.0.1', instance), await isLetIn('127.0.0.2', instance)],
    [false, false],
    'a group without rules lets nobody in',
  )
  await open.query('select 1')

  await authorize(empty, from('127.0.0.2/32'))
  await comesToBe(instance, { '127.0.0.2': true, '127.0.0.1': false })
  await authorize(empty, from('127.0.0.3/32', [port! + 1, port! + 9]))
  await authorize(empty, from('127.0.0.4/30', [port!, port!]))
  await comesToBe(instance, { '127.0.0.5': true, '127.0.0.3': false, '127.0.0.2': true, '127.0.0.8': false })
  await revoke(empty, from('127.0.0.2/32'))
  await comesToBe(instance, { '127.0.0.2': false, '127.0.0.5': true })

  const other = await newGroup()
  await authorize(other, from('127.0.0.2/32'))
  await join(id, empty, other)
  assert.deepEqual([await isLetIn('127.0.0.2', instance), await isLetIn('127.0.0.5', instance)], [true, true])
}

test('an engine that has its port itself lets in whom its security groups let in', async (t) => {
  const instance = await createInstance(rds, 'direct')
  await rulesHold(t, instance)
})

test('a rule that comes while serve dies reaches the engine after its restart', async () => {
  const instance = (await describe(rds, 'direct'))!
  const group = await newGroup()
  await join('direct', group)
  await holdfast.kill()
  holdfast = await startHoldfast({
    state: holdfast.state,
    env: { HOLDFAST_CRASH_AT: 'flow:apply-db-parameters.reload.before' },
  })
  useClients()
  await authorize(group, from('127.0.0.7/32')).catch(() => {})
  await holdfast.exited
  assert.equal(await isLetIn('127.0.0.7', instance), false)
  holdfast = await startHoldfast({ state: holdfast.state })
  useClients()
  await comesToBe(instance, { '127.0.0.7': true, '127.0.0.1': false })
})

test('a stopped engine comes up with the rules as they are by then', async () => {
  const group = await newGroup()
  await rds.send(new StopDBInstanceCommand({ DBInstanceIdentifier: 'direct' }))
  await instanceIn(rds, 'direct', 'stopped')
  await authorize(group, from('127.0.0.9/32'))
  const [joined] = Object.keys(await memberships('direct'))
  await authorize(joined!, from('127.0.0.9/32'))
  await rds.send(new StartDBInstanceCommand({ DBInstanceIdentifier: 'direct' }))
  const instance = await instanceIn(rds, 'direct', 'available')
  assert.deepEqual([await isLetIn('127.0.0.9', instance), await isLetIn('127.0.0.1', instance)], [true, false])
})

test('a gateway lets in whom the security groups let in', async (t) => {
  const instance = await createInstance(rds, 'behind', { MultiAZ: true })
  await rulesHold(t, instance)
})
