/**
 * Strands: what an Aurora cluster had between two backtracks, each on a volume of its own and with an archive of its own. A time
 * means what the cluster had at that time, whatever was undone of it since:
 *
 *     first   ──A──────B──────┐ C
 *     second       from A: ───┴──D───────┐
 *     third             from B: ─────────┴──E──►
 *                 a       b     d            e          times: A is in all three; B at b, D at d and E at e are in one each
 */
import type { Scope } from '../control.ts'
import type { InstanceKey } from '../db-instance/record.ts'

export interface PastStrand {
  /** The volume's id. */
  readonly id: string
  /** When the cluster left it for another one, in milliseconds since the epoch. */
  readonly until: number
}

interface Strands {
  /** In order of time. */
  readonly pastStrands?: readonly PastStrand[] | undefined
}

/** Under which the archive and its base backups are kept. The first strand is called as its cluster is. */
export const strandKey = ({ account, region }: Scope, volumeId: string): InstanceKey => ({
  account,
  region,
  resourceId: volumeId,
})

/** The strand that the cluster was on then; undefined: it is on it now. */
export const pastStrandAt = ({ pastStrands = [] }: Strands, time: number | undefined): PastStrand | undefined =>
  time === undefined ? undefined : pastStrands.find(({ until }) => time < until)
