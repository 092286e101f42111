/** A source that keeps little log, and a replica that is cut off until its source has removed what the replica needs. */
import { ModifyDBParameterGroupCommand, type DBInstance, type RDSClient } from '@aws-sdk/client-rds'
import { query } from './database.ts'
import { eventually, type Holdfast } from './holdfast.ts'

/** For a parameter group that the source has. All of it is applied without a restart. */
export const keepLittleLog = (rds: RDSClient, group: string): Promise<unknown> =>
  rds.send(
    new ModifyDBParameterGroupCommand({
      DBParameterGroupName: group,
      Parameters: Object.entries(LITTLE).map(([ParameterName, ParameterValue]) => ({
        ParameterName,
        ParameterValue,
        ApplyMethod: 'immediate',
      })),
    }),
  )

const LITTLE = {
  max_slot_wal_keep_size: '32',
  // Log that is kept for whoever may come keeps a slot alive too.
  wal_keep_size: '0',
  max_wal_size: '32',
  wal_sender_timeout: '3000',
}

export const keepsLittleLog = (holdfast: Holdfast, source: DBInstance): Promise<true> =>
  eventually('a source that keeps little log', async () => {
    const [found] = await query<{ v: string }>(
      holdfast,
      source,
      `select current_setting('max_slot_wal_keep_size') as v`,
    )
    return found!.v === '32MB' ? true : undefined
  })

/** The process that receives a replica's log. */
export async function receiverOf(holdfast: Holdfast, replica: DBInstance): Promise<number> {
  const rows = await query<{ pid: number }>(holdfast, replica, 'select pid from pg_stat_wal_receiver')
  return rows[0]!.pid
}

/**
 * Hangs processes of a source's follower, its receiver among them, until the source, which keeps little log, has removed
 * log that this follower has not received. It is the only one of its kind. Returns what ends that.
 */
export async function fallBehind(
  holdfast: Holdfast,
  source: DBInstance,
  follower: readonly number[],
): Promise<() => void> {
  const sql = <Row extends Record<string, unknown>>(text: string): Promise<Row[]> => query<Row>(holdfast, source, text)
  for (const pid of follower) process.kill(pid, 'SIGSTOP')
  // A source that finds the slot too old while the hung receiver is still connected would wait for it in its checkpoint.
  await eventually('a source that has given the receiver up', async () => {
    const rows = await sql(
      `select 1 from pg_replication_slots where slot_name like 'holdfast\\_%' and not active and restart_lsn is not null`,
    )
    if (rows.length === 0) await sql('select pg_current_wal_lsn(), txid_current()')
    return rows.length > 0 ? true : undefined
  })
  // From here on nothing reaches the follower. Its slot may be made again meanwhile, for what is written then.
  const [last] = await sql<{ segment: string }>(`select right(pg_walfile_name(pg_current_wal_lsn()), 16) as segment`)
  await eventually('a source that has removed log', async () => {
    await sql('create table junk as select md5(random()::text) as x from generate_series(1, 150000)')
    await sql('drop table junk')
    await archived(sql)
    await sql('checkpoint')
    const rows = await sql(
      `select 1 from pg_ls_waldir() where name ~ '^[0-9A-F]{24}$' having min(right(name, 16)) > '${last!.segment}'`,
    )
    return rows.length > 0 ? true : undefined
  })
  return () => {
    for (const pid of follower) process.kill(pid, 'SIGCONT')
  }
}

/** The archive's own slot is held to the same limit as that of the replica. */
const archived = (sql: (text: string) => Promise<unknown[]>): Promise<true> =>
  eventually('an archive that has the log', async () => {
    const rows = await sql(
      `select 1 from pg_replication_slots where slot_name = 'rds_archive'
          and pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn) < 8 * 1024 * 1024`,
    )
    return rows.length > 0 ? true : undefined
  })
