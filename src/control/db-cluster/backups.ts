/** Automated backups of a DB cluster: base backups of a member, and the log of whoever is the writer. */
import type { Mutation } from '#store/collection.ts'
import { restoreWindow, type RestoreWindow } from '../automated-backup/window.ts'
import type { Control } from '../control.ts'
import type { SnapshotSource } from '../db-snapshot/record.ts'
import { backupSubjectOf, clusterKeyOf, memberIn, readersOf, type DbClusterRecord, type Member } from './record.ts'
import { streamsFromWriter } from './sight.ts'

/** Writes that start the timer of automated backups, in the place of the one there may be. */
export async function scheduleClusterBackups(
  control: Pick<Control, 'flows'>,
  cluster: DbClusterRecord,
): Promise<Mutation> {
  const key = clusterKeyOf(cluster)
  return (await control.flows.supersede('back-up-db-cluster', backupSubjectOf(key), { key })).writes
}

/** The cluster as a restore needs to know it. */
export const clusterSourceOf = (cluster: DbClusterRecord): SnapshotSource => ({
  id: cluster.id,
  resourceId: cluster.resourceId,
  createdAt: cluster.createdAt,
  engine: cluster.engine,
  port: cluster.port,
  masterUsername: cluster.master.username,
  masterVerifier: cluster.master.verifier,
  databaseName: cluster.databaseName,
  settings: cluster.settings,
})

/** A reader that streams, so that the writer does not have to read all of its data; else the writer. */
export const memberToCopy = (control: Pick<Control, 'hosts'>, cluster: DbClusterRecord): Member =>
  readersOf(cluster).find((member) => streamsFromWriter(control, cluster, member)) ?? memberIn(cluster, cluster.writer)

/** Undefined while there is nothing to restore from. */
export const clusterRestoreWindow = (
  control: Pick<Control, 'store' | 'hosts' | 'clock' | 'simulated'>,
  cluster: DbClusterRecord,
): Promise<RestoreWindow | undefined> =>
  restoreWindow(control, clusterKeyOf(cluster), memberIn(cluster, cluster.writer))
