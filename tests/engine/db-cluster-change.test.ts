/** ModifyDBCluster on real PostgreSQL: another version, class and certificate while clients are at work, and storage that a full cluster is given. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { TLSSocket } from 'node:tls'
import {
  CreateDBClusterCommand,
  DescribeDBClustersCommand,
  ModifyDBClusterCommand,
  type DBCluster,
  type RDSClient,
} from '@aws-sdk/client-rds'
import { AcknowledgedInserts } from '../support/acknowledged-inserts.ts'
import {
  clusterInput,
  membersOf,
  readerEndpoint,
  wholeCluster,
  writerEndpoint,
  writerOf,
  type Address,
} from '../support/cluster.ts'
import { connect, query } from '../support/database.ts'
import { discard, eventually, startHoldfast, type Holdfast } from '../support/holdfast.ts'

const DBClusterIdentifier = 'orders'
const OLDER = '18.3'
const NEWER = '18.4'

let holdfast: Holdfast
let rds: RDSClient
/** Why there is no cluster of an older minor. */
let missing: string | undefined

before(async () => {
  holdfast = await startHoldfast({ env: { HOLDFAST_STORAGE_UNIT_BYTES: String(16 * 2 ** 20) } })
  rds = holdfast.rds()
  await rds.send(new CreateDBClusterCommand(clusterInput(DBClusterIdentifier, { EngineVersion: OLDER })))
  const made = await eventually('the cluster is made, or is not', async () => {
    const { DBClusters } = await rds.send(new DescribeDBClustersCommand({ DBClusterIdentifier }))
    const [found] = DBClusters!
    return found!.Status === 'failed' || (found!.Status === 'available' && found!.MultiAZ) ? found : undefined
  })
  if (made.Status === 'failed') missing = `no PostgreSQL ${OLDER}: ${made.StatusInfos?.[0]?.Message}`
})

after(() => discard(holdfast))

interface Engine {
  readonly version: string
  readonly buffers: string
}

async function enginesOf(cluster: DBCluster): Promise<Engine[]> {
  const found: Engine[] = []
  for (const member of await membersOf(rds, cluster))
    found.push(
      ...(await eventually(`an answer of ${member.DBInstanceIdentifier}`, () =>
        query<Engine>(
          holdfast,
          member,
          `select current_setting('server_version') as version, current_setting('shared_buffers') as buffers`,
        ).catch(() => undefined),
      )),
    )
  return found
}

test('another version and class under load: every engine runs them, the writer stays, nothing acknowledged is lost', async (t) => {
  if (missing !== undefined) return t.skip(missing)
  const cluster = await wholeCluster(rds, DBClusterIdentifier)
  const before = await enginesOf(cluster)
  assert.ok(before.every(({ version }) => version === OLDER))
  await query(holdfast, writerEndpoint(cluster), 'create table written (n int primary key)')
  await using inserts = new AcknowledgedInserts(holdfast, writerEndpoint(cluster))
  await inserts.more(20)
  const { DBCluster } = await rds.send(
    new ModifyDBClusterCommand({
      DBClusterIdentifier,
      EngineVersion: NEWER,
      DBClusterInstanceClass: 'db.t4g.medium',
      ApplyImmediately: true,
    }),
  )
  assert.equal(DBCluster!.Status, 'upgrading')
  const now = await wholeCluster(rds, DBClusterIdentifier, ({ EngineVersion }) => EngineVersion === NEWER)
  await inserts.more(20)
  await inserts.stop()
  await inserts.assertKept()
  assert.equal(writerOf(now), writerOf(cluster))
  assert.equal(now.DBClusterInstanceClass, 'db.t4g.medium')
  for (const { version, buffers } of await enginesOf(now)) {
    assert.equal(version, NEWER)
    assert.notEqual(buffers, before[0]!.buffers)
  }
})

/** Of the certificate that the endpoint shows; whoever connects verifies it, and the gateway the engine's behind it. */
async function issuerAt(address: Address): Promise<string> {
  const client = await eventually('a client that is let in', () => connect(holdfast, address).catch(() => undefined))
  const { stream } = (client as unknown as { connection: { stream: TLSSocket } }).connection
  const { issuer } = stream.getPeerCertificate()
  await client.end()
  return String(issuer.CN)
}

test('a certificate of another authority is shown by every endpoint, and no session ends for it', async (t) => {
  if (missing !== undefined) return t.skip(missing)
  const cluster = await wholeCluster(rds, DBClusterIdentifier)
  const open = await connect(holdfast, writerEndpoint(cluster))
  const before = await issuerAt(writerEndpoint(cluster))
  const CACertificateIdentifier = 'rds-ca-rsa4096-g1'
  await rds.send(new ModifyDBClusterCommand({ DBClusterIdentifier, CACertificateIdentifier, ApplyImmediately: true }))
  const now = await wholeCluster(
    rds,
    DBClusterIdentifier,
    ({ CertificateDetails }) => CertificateDetails?.CAIdentifier === CACertificateIdentifier,
  )
  const addresses = [writerEndpoint(now), readerEndpoint(now), ...(await membersOf(rds, now))]
  const issuers = new Set(await Promise.all(addresses.map(issuerAt)))
  assert.equal(issuers.size, 1)
  assert.ok(!issuers.has(before), before)
  await open.query('select 1')
  await open.end()
})

/** Until the engine takes no more. */
async function fillUp(cluster: DBCluster): Promise<void> {
  const client = await connect(holdfast, writerEndpoint(cluster))
  client.on('error', () => {})
  try {
    for (;;) await client.query(`insert into filler select repeat(md5(n::text), 50) from generate_series(1, 5000) n`)
  } catch {
    // Read-only by now, or ended.
  } finally {
    await client.end().catch(() => {})
  }
}

const writerStatus = async (cluster: DBCluster): Promise<string> =>
  (await membersOf(rds, cluster)).find((one) => one.DBInstanceIdentifier === writerOf(cluster))!.DBInstanceStatus!

test('a cluster whose storage is full is given more, and takes writes again', async (t) => {
  if (missing !== undefined) return t.skip(missing)
  const cluster = await wholeCluster(rds, DBClusterIdentifier)
  await query(holdfast, writerEndpoint(cluster), 'create table filler (t text) with (autovacuum_enabled = off)')
  await eventually('a writer whose storage is full', async () => {
    await fillUp(cluster)
    return (await writerStatus(cluster)) === 'storage-full' ? true : undefined
  })
  await rds.send(new ModifyDBClusterCommand({ DBClusterIdentifier, AllocatedStorage: 60, ApplyImmediately: true }))
  const now = await wholeCluster(rds, DBClusterIdentifier, ({ AllocatedStorage }) => AllocatedStorage === 60)
  await eventually('a write that is taken', () =>
    query(holdfast, writerEndpoint(now), 'create table after_all as select 1').catch(() => undefined),
  )
  for (const { AllocatedStorage } of await membersOf(rds, now)) assert.equal(AllocatedStorage, 60)
})
