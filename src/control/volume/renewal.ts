/** Certificates of log nodes and heads end. They are renewed long before, without anybody's connection ending. */
import { DAY_MS } from '#base/durations.ts'
import type { Mutation } from '#store/collection.ts'
import type { Control } from '../control.ts'
import type { EndpointCertificate } from '../db-instance/record.ts'
import { takeEpoch } from './epochs.ts'
import { withHeadCertificate } from './head-certificate.ts'
import { renewedLogNode, requireLogNodes, termsOf } from './log-nodes.ts'
import type { VolumeRecord } from './record.ts'

/** What is left of a certificate of a year when it is renewed: enough for a host to be away, or a deployment to be stopped. */
const RENEWAL_MS = 90 * DAY_MS

const isDue = ({ clock }: Pick<Control, 'clock'>, { validTill }: Pick<EndpointCertificate, 'validTill'>): boolean =>
  clock.now() >= validTill - RENEWAL_MS

/** Whether the heads of this volume, or a log node of these zones, are to get another certificate. */
export async function isRenewalDue(control: Control, volume: VolumeRecord, zones: readonly string[]): Promise<boolean> {
  if (volume.headCertificate && isDue(control, volume.headCertificate)) return true
  return (await requireLogNodes(control, zones)).some(({ certificate }) => isDue(control, certificate))
}

/**
 * Log nodes show theirs when this resolves: what nobody has noted of one is no less its own. The heads' is in the row that
 * is to be, if it is another. May run twice.
 */
export async function renewCertificates(
  control: Control,
  volume: VolumeRecord,
  zones: readonly string[],
): Promise<{ readonly writes: readonly Mutation[]; readonly record: VolumeRecord | undefined }> {
  const writes: Mutation[] = []
  for (const zone of zones) {
    const [node] = await requireLogNodes(control, [zone])
    if (!isDue(control, node!.certificate)) continue
    const renewed = await renewedLogNode(control, zone)
    await control.hosts.ask(zone, 'lognode.configure', termsOf(control, renewed.record))
    writes.push(renewed.writes)
  }
  const record = await withFreshHeadCertificate(control, volume)
  return { writes, record: record === volume ? undefined : record }
}

/** The row itself where that of its heads is good for long. */
async function withFreshHeadCertificate(control: Control, volume: VolumeRecord): Promise<VolumeRecord> {
  const { headCertificate } = volume
  return headCertificate && isDue(control, headCertificate) ? withHeadCertificate(control, volume) : volume
}

/**
 * As `takeEpoch`, with a certificate by which the epoch's head is let in everywhere: after a long stop nobody else has
 * renewed it.
 */
export const epochFor = async (control: Control, volume: VolumeRecord, writer: string): Promise<VolumeRecord> =>
  takeEpoch(await withFreshHeadCertificate(control, volume), writer)
