/** How long a new read replica takes, and how far replicas are behind while their source works. */
import { execFile } from 'node:child_process'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { CreateDBInstanceReadReplicaCommand, type DBInstance } from '@aws-sdk/client-rds'
import { createInstance, deleteInstance, describe, instanceIn, query } from '../../tests/support/database.ts'
import { discard, eventually, startHoldfast, type Holdfast } from '../../tests/support/holdfast.ts'
import { median, ms, timed, type Row } from './figures.ts'
import { benchLag } from './lag.ts'

const run = promisify(execFile)
const ROUNDS = 3
const ROWS_OF_1_KB = 200_000

async function newReplica(holdfast: Holdfast, id: string): Promise<DBInstance> {
  const rds = holdfast.rds()
  await eventually('a source that may be copied', async () => {
    const input = { DBInstanceIdentifier: id, SourceDBInstanceIdentifier: 'source' }
    await rds.send(new CreateDBInstanceReadReplicaCommand(input))
    return true
  })
  const replica = await instanceIn(rds, id, 'available')
  await query(holdfast, replica, 'select 1 from filler limit 1')
  return replica
}

async function creation(holdfast: Holdfast, source: DBInstance): Promise<Row[]> {
  const data = join(holdfast.state, 'hosts', 'a', 'instances', source.DbiResourceId!, 'data')
  const [made, copied]: [number[], number[]] = [[], []]
  for (let round = 0; round < ROUNDS; round++) {
    await query(holdfast, source, 'checkpoint')
    copied.push(await timed(() => run('cp', ['-a', data, `${holdfast.state}/by-hand`])))
    await rm(`${holdfast.state}/by-hand`, { recursive: true })
    made.push(await timed(() => newReplica(holdfast, `round-${round}`)))
    await deleteInstance(holdfast.rds(), `round-${round}`)
  }
  const size = (
    await query<{ size: string }>(holdfast, source, `select pg_size_pretty(pg_database_size('postgres')) size`)
  )[0]!.size
  return [
    [`\`cp -a\` of a source of ${size}`, ms(median(copied), 1)],
    ['`CreateDBInstanceReadReplica` of it, until the first query', ms(median(made), 1)],
    ['**ratio**', (median(made) / median(copied)).toFixed(2)],
  ]
}

export async function benchReadReplicas(): Promise<Row[]> {
  const holdfast = await startHoldfast()
  try {
    const source = await createInstance(holdfast.rds(), 'source', {
      BackupRetentionPeriod: 1,
      DBInstanceClass: 'db.m6g.large',
    })
    await query(
      holdfast,
      source,
      `create table filler as select n, repeat('x', 960) x from generate_series(1, ${ROWS_OF_1_KB}) n`,
    )
    return [
      ...(await creation(holdfast, (await describe(holdfast.rds(), 'source'))!)),
      ...(await benchLag(holdfast, source, () => newReplica(holdfast, 'reader'))),
    ]
  } finally {
    await discard(holdfast)
  }
}
