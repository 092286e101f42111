/** What the walk asks for and looks at through the API, besides what all tests of instances do. */
import {
  DescribeDBSnapshotsCommand,
  ModifyDBInstanceCommand,
  type DBSnapshot,
  type RDSClient,
} from '@aws-sdk/client-rds'
import { eventually } from '../../support/holdfast.ts'

export const snapshotIn = (rds: RDSClient, id: string, status: string): Promise<true> =>
  eventually(`snapshot ${id} in ${status}`, async () => {
    const { DBSnapshots } = await rds.send(new DescribeDBSnapshotsCommand({ DBSnapshotIdentifier: id }))
    return DBSnapshots![0]!.Status === status ? true : undefined
  })

export const snapshotGone = (rds: RDSClient, id: string): Promise<true> =>
  eventually(`snapshot ${id} gone`, async () => {
    try {
      await rds.send(new DescribeDBSnapshotsCommand({ DBSnapshotIdentifier: id }))
      return undefined
    } catch (error) {
      return (error as Error).name === 'DBSnapshotNotFoundFault' ? true : undefined
    }
  })

/** Two hours, a quarter of an hour of them gone. The maintenance window is half a day away. */
function openWindows(): { PreferredBackupWindow: string; PreferredMaintenanceWindow: string } {
  const at = (minutes: number): string => new Date(Date.now() + minutes * 60_000).toISOString().slice(11, 16)
  return {
    PreferredBackupWindow: `${at(-15)}-${at(105)}`,
    PreferredMaintenanceWindow: `sun:${at(700)}-${at(700) < at(730) ? 'sun' : 'mon'}:${at(730)}`,
  }
}

/** From now on there is a backup to take. */
export const switchBackupsOn = (rds: RDSClient, id: string): Promise<unknown> =>
  rds.send(
    new ModifyDBInstanceCommand({
      DBInstanceIdentifier: id,
      BackupRetentionPeriod: 1,
      ApplyImmediately: true,
      ...openWindows(),
    }),
  )

export const backupsOf = async (rds: RDSClient, id: string): Promise<DBSnapshot[]> => {
  const query = { DBInstanceIdentifier: id, SnapshotType: 'automated' }
  return (await rds.send(new DescribeDBSnapshotsCommand(query))).DBSnapshots!
}

export const backedUp = (rds: RDSClient, id: string): Promise<DBSnapshot> =>
  eventually(`a backup of ${id}`, async () => (await backupsOf(rds, id)).find(({ Status }) => Status === 'available'))

/** The request may die with the process that it reached. */
export const orDeath = async (request: Promise<unknown>): Promise<void> => {
  try {
    await request
  } catch (error) {
    if ((error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode !== undefined) throw error
  }
}

/** Of all living flows. */
async function subjects(url: string): Promise<string[]> {
  const health = (await (await fetch(`${url}/_holdfast/health`)).json()) as { flows: { subject: string }[] }
  return health.flows.map(({ subject }) => subject)
}

export const noFlowLeft = (url: string): Promise<true> =>
  eventually('no flow but timers', async () =>
    (await subjects(url)).every((subject) => subject.startsWith('db-instance-timer/')) ? true : undefined,
  )

export const timersGone = (url: string): Promise<true> =>
  eventually('no flow at all', async () => ((await subjects(url)).length === 0 ? true : undefined))
