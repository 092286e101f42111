/** Who begins the next epoch of an Aurora cluster, and what is told of it. Of start-aurora-writer. */
import { SECOND_MS } from '#base/durations.ts'
import { NOTHING, type Held } from '#store/collection.ts'
import type { JobError } from '#wire/agent/messages.ts'
import { isWriter, type AuroraClusterRecord } from '../aurora-cluster/record.ts'
import { goesWithWriter } from '../aurora-cluster/scale-together.ts'
import { candidatesIn, serves } from '../aurora-cluster/sight.ts'
import { chooseSuccessor } from '../aurora-cluster/successor.ts'
import { isPaused } from '../db-instance/pause.ts'
import type { DbInstanceRecord } from '../db-instance/record.ts'
import type { VolumeRecord } from '../volume/record.ts'
import { auroraOf, changeAurora, changeMembers, specAs, volumeOf, type HeldAurora } from './aurora-context.ts'
import type { WriterContext, WriterInput } from './aurora-writer-events.ts'

type C = WriterContext

/** The old writer serves, and somebody wants it to end in order. */
export const isPlanned = ({ why }: WriterInput): boolean => why !== 'recover'

/** Attempts to start an engine on what it has, before it is made anew. */
const STARTS_MAX = 2

/** The instance that is to write: the one that was asked for, else the first by the rules, else the writer of before. */
export function targetOf(
  c: C,
  { cluster, members }: HeldAurora,
  { writer: tried }: VolumeRecord,
): Held<DbInstanceRecord> | undefined {
  const able = (resourceId: string | undefined): Held<DbInstanceRecord> | undefined => {
    const held = resourceId === undefined ? undefined : members.get(resourceId)
    return held && held.value.phase !== 'deleting' ? held : undefined
  }
  const isHere = ({ value }: Held<DbInstanceRecord>): boolean => c.control.hosts.isConnected(value.zone)
  const lost = members.get(cluster.writer ?? '')?.value.zone
  const chosen = chooseSuccessor(candidatesIn(c.control, cluster, members), lost)
  const asked = able(c.input.target)
  // Who was asked for and came to nothing is not waited for, where another one can.
  const hasFailed = asked && tried === asked.value.resourceId && !serves(c.control, asked.value) && chosen
  if (asked && isHere(asked) && !hasFailed) return asked
  const others = [...members.keys()].map(able).filter((held) => held !== undefined)
  return able(chosen?.resourceId) ?? able(cluster.writer) ?? others.find(isHere) ?? others[0]
}

interface Chosen {
  readonly au: HeldAurora
  readonly target: DbInstanceRecord
  readonly volume: VolumeRecord
}

/** For whom the epoch was taken. `others`: that one goes, is not there any more, or its host is lost and others are there. */
export async function chosen(c: C): Promise<Chosen | 'deleted' | 'others'> {
  const au = await auroraOf(c)
  const volume = au && (await volumeOf(c.control, au))
  if (!au || !volume) return 'deleted'
  const target = au.members.get(volume.value.writer ?? '')?.value
  if (!target || target.phase === 'deleting') return 'others'
  const isGone = !c.control.hosts.isConnected(target.zone) && c.spentMs > TARGET_AWAY_MS_MAX
  return isGone && othersCan(c, au, target) ? 'others' : { au, target, volume: volume.value }
}

/** How long a host may be away before what is decided is decided without it. */
const TARGET_AWAY_MS_MAX = 3 * SECOND_MS

/**
 * Nobody is seen who could follow the lost writer, but hosts of readers have not been heard: when serve has only just started
 * their agents may be on their way, and the writer's was the first.
 */
export const isEarly = (c: C, { cluster, members }: HeldAurora, target: Held<DbInstanceRecord>): boolean =>
  c.input.why === 'recover' &&
  c.spentMs < TARGET_AWAY_MS_MAX &&
  target.value.resourceId === cluster.writer &&
  [...members.values()].some(
    ({ value }) => value !== target.value && value.phase === 'available' && !c.control.hosts.isConnected(value.zone),
  )

const othersCan = (c: C, { cluster, members }: HeldAurora, { resourceId }: DbInstanceRecord): boolean =>
  candidatesIn(c.control, cluster, members).some((candidate) => candidate.resourceId !== resourceId)

/** The next writer's engine has ended on the way, and another reader can do it in an epoch of its own. */
export const isPassedOver = (c: C, { au, target }: Pick<Chosen, 'au' | 'target'>): boolean =>
  !serves(c.control, target) && othersCan(c, au, target)

/**
 * Whoever was to write in an epoch that came to nothing may have seen what is not durable: it lets nobody in before it is
 * known to follow. An old writer is seen to when another one serves.
 */
export function standDown(
  c: C,
  { cluster, members }: HeldAurora,
  { before, next }: { readonly before: string | undefined; readonly next: string },
): ReturnType<typeof changeMembers> {
  const held = before === undefined || before === next || before === cluster.writer ? undefined : members.get(before)
  return held?.value.phase === 'available' ? changeMembers(c.control, [held], { phase: 'rebooting' }) : NOTHING
}

export const candidateSpec = (c: C, { target, volume }: Omit<Chosen, 'au'>): ReturnType<typeof specAs> =>
  specAs(c.control, { record: target, part: 'candidate', volume })

/** What is on its host is of no use for the volume. */
export const isStray = ({ code }: JobError, { failures }: C): boolean => code === 'diverged' || failures >= STARTS_MAX

/** The writer of before comes back as a reader. */
export const demote = (c: C, held: Held<DbInstanceRecord> | undefined): ReturnType<typeof changeMembers> =>
  held && held.value.phase !== 'deleting' ? changeMembers(c.control, [held], { phase: 'rebooting' }) : NOTHING

/**
 * It has to come back as a reader. Those that are being made, or go, see to themselves, and so do those that are paused
 * apart from the writer.
 */
export const isAway = (cluster: AuroraClusterRecord, record: DbInstanceRecord): boolean =>
  !isWriter(cluster, record) &&
  (record.phase === 'rebooting' || record.phase === 'starting' || (isPaused(record) && goesWithWriter(cluster, record)))

/** A cluster without an instance is up when there is nobody to start. */
export const withoutInstance = (c: C, au: HeldAurora): ReturnType<typeof changeAurora>[] =>
  au.cluster.members.length === 0 && au.cluster.phase !== 'deleting'
    ? [changeAurora(c.control, au, { phase: 'available', stoppedAt: undefined })]
    : []
