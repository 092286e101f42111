import { HOUR_MS, SECOND_MS } from '#base/durations.ts'
import { done, flow, go, wait, type Next } from '#flow/flow.ts'
import { NOTHING, type Mutation } from '#store/collection.ts'
import { auroraRestoreWindow } from '../aurora-cluster/backups.ts'
import { strandKey } from '../aurora-cluster/strands.ts'
import { basesOf } from '../automated-backup/record.ts'
import { markNowAndThen } from '../automated-backup/window.ts'
import type { InstanceKey } from '../db-instance/record.ts'
import { archivePrefix } from '../db-instance/spec.ts'
import { archiveVolume } from '../volume/archived.ts'
import { auroraOf, volumeOf, type AuroraContext as C, type HeldAurora } from './aurora-context.ts'
import { standbyPatienceMs, timerDeadlineMs } from './limits.ts'

type Step = 'watch' | 'rest'

/** An agent that was started anew, or took over, has to hear what it is to archive. Without a log there is nothing to hear. */
const LOOK_MS = 10 * SECOND_MS

/**
 * Has the log of an Aurora cluster's volume archived by one host, for as long as the cluster lives and whether or not it has
 * instances: by another one as soon as that one does not answer.
 */
export const archiveAuroraVolume = flow(
  'archive-aurora-volume',
  { exhausted: 'rest', policy: { deadlineMs: timerDeadlineMs } },
  {
    watch: async (c: C): Promise<Next<Step>> => {
      const au = await auroraOf(c)
      if (!au || au.cluster.phase === 'deleting') return done('the cluster is gone')
      const volume = await volumeOf(c.control, au)
      // The archived log goes on from the first base backup, which brings the beginning.
      const strand = volume && strandKey(c.input.key, volume.value.id)
      const isBegun = strand && (await basesOf(c.control, strand)).some(({ value }) => value.isStored)
      if (isBegun) await archiveVolume(c.control, volume.value, archivePrefix(strand))
      const marked = strand ? await mark(c, { au, strand }) : NOTHING
      return wait({ timeoutMs: c.control.simulated ? HOUR_MS : LOOK_MS }, marked)
    },

    /** What failed again and again is begun anew after a while. */
    rest: async (c: C): Promise<Next<Step>> => {
      const leftMs = standbyPatienceMs - c.spentMs
      return leftMs > 0 ? wait({ timeoutMs: leftMs }) : go('watch')
    },
  },
)

/** How far the log goes, for moments in which no agent says so. */
const mark = (
  { control }: C,
  { au: { cluster }, strand }: { readonly au: HeldAurora; readonly strand: InstanceKey },
): Promise<Mutation> => markNowAndThen(control, strand, () => auroraRestoreWindow(control, cluster))
