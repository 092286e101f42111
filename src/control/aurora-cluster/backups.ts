/** Backups of an Aurora DB cluster: images of its data, and the log that its log nodes have. */
import { Trouble } from '#base/trouble.ts'
import type { Mutation } from '#store/collection.ts'
import type { ObservedArchive } from '#wire/agent/archive.ts'
import { parseLsn } from '#wire/pg/lsn.ts'
import type { Position } from '#wire/quorum/messages.ts'
import { untilIn, windowBehind, type RestoreWindow } from '../automated-backup/window.ts'
import type { Control } from '../control.ts'
import { majorOf } from '../db-instance/spec.ts'
import type { SnapshotSource } from '../db-snapshot/record.ts'
import { archivedLog } from '../volume/archived.ts'
import { volumes } from '../volume/record.ts'
import { auroraBackupSubjectOf, auroraKeyOf, isWriter, type AuroraClusterRecord, type AuroraMember } from './record.ts'
import { AURORA_STORAGE } from './settings.ts'
import { strandKey } from './strands.ts'
import { serves, streams } from './sight.ts'

/** Writes that start the timer of automated backups, in the place of the one there may be. */
export async function scheduleAuroraBackups(
  control: Pick<Control, 'flows'>,
  cluster: AuroraClusterRecord,
): Promise<Mutation> {
  const key = auroraKeyOf(cluster)
  return (await control.flows.supersede('back-up-db-cluster', auroraBackupSubjectOf(key), { key })).writes
}

/** The cluster as a restore needs to know it. What instances have of their own it has not. */
export const auroraSourceOf = (cluster: AuroraClusterRecord): SnapshotSource => ({
  id: cluster.id,
  resourceId: cluster.resourceId,
  createdAt: cluster.createdAt,
  engine: cluster.engine,
  port: cluster.port,
  masterUsername: cluster.master.username,
  masterVerifier: cluster.pendingVerifier ?? cluster.master.verifier,
  databaseName: cluster.databaseName,
  settings: {
    ...cluster.shared,
    ...cluster.settings,
    ...AURORA_STORAGE,
    DBInstanceClass: '',
    Iops: undefined,
    StorageThroughput: undefined,
    MaxAllocatedStorage: undefined,
    LicenseModel: 'postgresql-license',
    AutoMinorVersionUpgrade: true,
    PubliclyAccessible: true,
    OptionGroupName: `default:aurora-postgresql-${majorOf(cluster.shared.EngineVersion)}`,
    CACertificateIdentifier: '',
    MultiAZ: false,
  },
})

/** A reader that streams, so that the writer does not have to read all of the data; else the writer. Only while it serves. */
export function memberOfAuroraToCopy(
  control: Pick<Control, 'hosts'>,
  cluster: AuroraClusterRecord,
): AuroraMember | undefined {
  if (cluster.phase !== 'available' || !cluster.isOpen) return undefined
  const writer = cluster.members.find((member) => isWriter(cluster, member))
  if (!writer || !serves(control, writer)) return undefined
  return (
    cluster.members.find((member) => member !== writer && serves(control, member) && streams(control, member)) ?? writer
  )
}

/** Where the log of the writer ends: everything that was acknowledged lies before. */
export async function logOfWriter(control: Pick<Control, 'hosts'>, cluster: AuroraClusterRecord): Promise<Position> {
  const writer = cluster.members.find((member) => isWriter(cluster, member))
  if (!writer) throw new Trouble('there is no writer now', { culprit: 'us', retryable: true })
  const { flushedLsn } = await control.hosts.ask(writer.zone, 'instance.position', { id: writer.resourceId })
  return Number(parseLsn(flushedLsn))
}

export async function archiveOfAurora(
  control: Pick<Control, 'store' | 'hosts' | 'clock'>,
  cluster: AuroraClusterRecord,
): Promise<ObservedArchive | undefined> {
  const volume = await volumes(control, cluster).get(cluster.resourceId)
  return volume && archivedLog(control, volume.value)
}

/** Undefined while there is nothing to restore from. */
export async function auroraRestoreWindow(
  control: Pick<Control, 'store' | 'hosts' | 'clock' | 'simulated'>,
  cluster: AuroraClusterRecord,
): Promise<RestoreWindow | undefined> {
  const volume = (await volumes(control, cluster).get(cluster.resourceId))?.value
  if (!volume) return undefined
  // An engine without a log loses nothing, and can be restored to what it is.
  const archive = control.simulated ? undefined : await archivedLog(control, volume)
  const present = await windowBehind(control, strandKey(cluster, volume.id), (newest) =>
    control.simulated ? control.clock.now() : untilIn(archive, newest),
  )
  // One is left when all of its log is archived.
  const past = (cluster.pastStrands ?? []).map(({ id, until }) =>
    windowBehind(control, strandKey(cluster, id), () => until),
  )
  const windows = [...(await Promise.all(past)), present].filter((window) => window !== undefined)
  if (windows.length === 0) return undefined
  return { from: Math.min(...windows.map(({ from }) => from)), to: windows.at(-1)!.to }
}
