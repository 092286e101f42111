/** What the walk asks of the archive. */
import {
  DeleteDBInstanceAutomatedBackupCommand,
  DescribeDBInstanceAutomatedBackupsCommand,
  ModifyDBInstanceCommand,
  RestoreDBInstanceToPointInTimeCommand,
  StartDBInstanceAutomatedBackupsReplicationCommand,
  StopDBInstanceAutomatedBackupsReplicationCommand,
  type RDSClient,
} from '@aws-sdk/client-rds'
import { describe } from '../../support/database.ts'
import { eventually } from '../../support/holdfast.ts'

/** Half a day away from both windows. */
function closedWindows(): { PreferredBackupWindow: string; PreferredMaintenanceWindow: string } {
  const at = (minutes: number): string => new Date(Date.now() + minutes * 60_000).toISOString().slice(11, 16)
  return {
    PreferredBackupWindow: `${at(600)}-${at(640)}`,
    PreferredMaintenanceWindow: `sun:${at(700)}-${at(700) < at(730) ? 'sun' : 'mon'}:${at(730)}`,
  }
}

const modify = (rds: RDSClient, id: string, more: object): Promise<unknown> =>
  rds.send(new ModifyDBInstanceCommand({ DBInstanceIdentifier: id, ApplyImmediately: true, ...more }))

/** Backups are on from now on, and the first base backup is due, and no snapshot. */
export const archiveFromNow = (rds: RDSClient, id: string): Promise<unknown> =>
  modify(rds, id, { BackupRetentionPeriod: 1, ...closedWindows() })

export const archiveNoMore = (rds: RDSClient, id: string): Promise<unknown> =>
  modify(rds, id, { BackupRetentionPeriod: 0 })

export const restorable = (rds: RDSClient, id: string): Promise<Date> =>
  eventually(`a time that ${id} can be restored to`, async () => {
    const instance = await describe(rds, id)
    return instance?.DBInstanceStatus === 'available' ? instance.LatestRestorableTime : undefined
  })

export const recovered = (rds: RDSClient, id: string, target: string): Promise<unknown> =>
  rds.send(
    new RestoreDBInstanceToPointInTimeCommand({
      SourceDBInstanceIdentifier: id,
      TargetDBInstanceIdentifier: target,
      UseLatestRestorableTime: true,
    }),
  )

/** The region that backups are copied to. */
export const ELSEWHERE = { region: 'eu-west-1' }

export async function replicate(here: RDSClient, there: RDSClient, id: string): Promise<unknown> {
  const { DBInstanceArn: SourceDBInstanceArn } = (await describe(here, id))!
  return there.send(new StartDBInstanceAutomatedBackupsReplicationCommand({ SourceDBInstanceArn }))
}

/** There is a copy that can be restored; it is then given up, and nothing of it is left. */
export async function copiedOnce(here: RDSClient, there: RDSClient, id: string): Promise<void> {
  const { DBInstanceArn: SourceDBInstanceArn } = (await describe(here, id))!
  const list = async (): Promise<string | undefined> => {
    const { DBInstanceAutomatedBackups } = await there.send(new DescribeDBInstanceAutomatedBackupsCommand({}))
    return DBInstanceAutomatedBackups![0]?.DBInstanceAutomatedBackupsArn
  }
  const DBInstanceAutomatedBackupsArn = await eventually(`a copy of the backups of ${id}`, list)
  await there.send(new StopDBInstanceAutomatedBackupsReplicationCommand({ SourceDBInstanceArn }))
  await there.send(new DeleteDBInstanceAutomatedBackupCommand({ DBInstanceAutomatedBackupsArn }))
}
