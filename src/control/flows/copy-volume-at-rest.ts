import { parseLsn } from '#wire/pg/lsn.ts'
import type { Position } from '#wire/quorum/messages.ts'
import { findAuroraCluster } from '../aurora-cluster/record.ts'
import { strandKey } from '../aurora-cluster/strands.ts'
import type { Control } from '../control.ts'
import type { ClusterKey } from '../db-instance/record.ts'
import { archivePrefix } from '../db-instance/spec.ts'
import type { DbSnapshotRecord } from '../db-snapshot/record.ts'
import { archivedLog } from '../volume/archived.ts'
import { membersOf } from '../volume/configuration.ts'
import { volumes, type VolumeRecord } from '../volume/record.ts'
import { job, type FlowContext, type JobOutcome } from './context.ts'

/**
 * Makes a snapshot of an Aurora cluster of which no instance serves, out of the archive: as soon as that has everything that
 * was acknowledged. Unready until then.
 */
export async function copyVolumeAtRest(
  c: Pick<FlowContext<unknown>, 'control' | 'flowId'>,
  { key, snapshot }: { readonly key: ClusterKey; readonly snapshot: DbSnapshotRecord },
): Promise<JobOutcome<'volume.seed'> | { readonly state: 'unready' }> {
  const { control } = c
  const volume = (await volumes(control, key).get(key.resourceId))?.value
  const cluster = (await findAuroraCluster(control, key))?.value
  if (!volume || !cluster || !(await isAllArchived(control, volume))) return { state: 'unready' }
  const { instance, resourceId: snapshotId, zone } = snapshot
  return job(c, {
    zone,
    resourceId: key.resourceId,
    name: 'snapshot',
    kind: 'volume.seed',
    input: async () => ({
      snapshotId,
      engine: 'postgres',
      version: instance.settings.EngineVersion,
      master: { name: instance.masterUsername, passwordVerifier: instance.masterVerifier },
      databaseName: undefined,
      from: { prefix: archivePrefix(strandKey(key, volume.id)), time: undefined },
    }),
  })
}

/**
 * Whether nobody can have more than is archived. What was acknowledged is on four copies, of which one at least is among any
 * three: so it lies before the furthest end of three. What only some have may lie there too, and only a writer can decide about
 * that: then the archive does not come so far.
 */
export async function isAllArchived(control: Control, volume: VolumeRecord): Promise<boolean> {
  if (control.simulated) return true
  const end = await furthestEnd(control, volume)
  const archived = await archivedLog(control, volume)
  return end !== undefined && archived !== undefined && Number(parseLsn(archived.to)) >= end
}

/** Undefined: too few of the copies can be seen. */
async function furthestEnd({ hosts }: Control, { id, configuration }: VolumeRecord): Promise<Position | undefined> {
  const looks = await Promise.allSettled(
    hosts.zones.filter((zone) => hosts.isConnected(zone)).map((zone) => hosts.ask(zone, 'lognode.look', {})),
  )
  const seen = looks.flatMap((look) => (look.status === 'fulfilled' ? (look.value.observed?.members ?? []) : []))
  const ends = new Map(
    seen.flatMap((one) => (one.volume === id && one.state === 'open' ? [[one.member, one.end] as const] : [])),
  )
  const { members, joint = members } = configuration
  const isQuorum = [members, joint].every((six) => six.filter((member) => ends.has(member.id)).length >= READ_QUORUM)
  return isQuorum ? Math.max(...membersOf(configuration).map((member) => ends.get(member.id) ?? 0)) : undefined
}

/** Of six copies: three of them and four of them have one in common. */
const READ_QUORUM = 3
