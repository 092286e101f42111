/**
 * Who archives the log of a volume, and how far that has come. The first host that answers does it, out of the log nodes'
 * feeds; nothing of that is stored, since the archive alone says where it ends and any host goes on from there. Log that is
 * not archived must not be removed from log nodes.
 */
import type { ObservedArchive } from '#wire/agent/archive.ts'
import type { Position } from '#wire/quorum/messages.ts'
import { parseLsn } from '#wire/pg/lsn.ts'
import type { Control } from '../control.ts'
import { zonesOf } from './configuration.ts'
import { feedPassword, feedsFor, requireLogNodes } from './log-nodes.ts'
import type { VolumeRecord } from './record.ts'

/** An agent that stands still has nothing to say, and whoever asks does not wait for it. */
const ANSWER_MS_MAX = 1_000

/** One host archives the volume's log when this resolves, and no other that can be told so. May be called again and again. */
export async function archiveVolume(
  control: Pick<Control, 'store' | 'hosts' | 'vault'>,
  volume: VolumeRecord,
  prefix: string,
): Promise<void> {
  const { hosts } = control
  const { id } = volume
  const nodes = await requireLogNodes(control, hosts.zones)
  const zones = zonesOf(volume)
  const connected = zones.filter((zone) => hosts.isConnected(zone))
  if (connected.length === 0) return hosts.rouse(zones[0]!)
  let isOrdered = false
  for (const zone of connected) {
    const login = { password: feedPassword(control, id), caPem: nodes[0]!.certificate.caPem }
    const asked: Promise<unknown> = isOrdered
      ? hosts.ask(zone, 'volume.unarchive', { id })
      : hosts.ask(zone, 'volume.archive', { id, engine: 'postgres', prefix, feeds: feedsFor(zone, nodes), login })
    // One that does not answer is told at the next look. Two at once put the same bytes into the archive.
    isOrdered =
      (await asked.then(
        () => true,
        () => false,
      )) || isOrdered
  }
}

/** No host archives it any more when this resolves. Rejects where one cannot be told. */
export async function stopArchiving(control: Pick<Control, 'hosts'>, volume: VolumeRecord): Promise<void> {
  await Promise.all(zonesOf(volume).map((zone) => control.hosts.ask(zone, 'volume.unarchive', { id: volume.id })))
}

/** How far the log is archived, by whoever has come furthest. Undefined: nobody says. */
export async function archivedLog(
  { hosts, clock }: Pick<Control, 'hosts' | 'clock'>,
  volume: VolumeRecord,
): Promise<ObservedArchive | undefined> {
  const late = clock.sleep(ANSWER_MS_MAX).then(() => ({ archive: undefined }))
  const asked = zonesOf(volume)
    .filter((zone) => hosts.isConnected(zone))
    .map(async (zone) => (await Promise.race([hosts.ask(zone, 'volume.archived', { id: volume.id }), late])).archive)
  const answers = await Promise.allSettled(asked)
  return answers
    .flatMap((answer) => (answer.status === 'fulfilled' && answer.value ? [answer.value] : []))
    .reduce<ObservedArchive | undefined>((best, one) => (best && isFurther(best, one) ? best : one), undefined)
}

/** Log behind that is nowhere but with the log nodes. 0: nobody can say. Without a log there is nothing to keep. */
export async function archivedTo(
  control: Pick<Control, 'hosts' | 'clock' | 'simulated'>,
  volume: VolumeRecord,
): Promise<Position> {
  if (control.simulated) return Infinity
  const archived = await archivedLog(control, volume)
  return archived ? Number(parseLsn(archived.to)) : 0
}

const isFurther = (a: ObservedArchive, b: ObservedArchive): boolean =>
  a.timeline === b.timeline ? parseLsn(a.to) >= parseLsn(b.to) : a.timeline > b.timeline
