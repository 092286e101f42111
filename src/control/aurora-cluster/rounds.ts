import type { Log } from '#base/log.ts'
import type { Control } from '../control.ts'
import { inRounds, type RoundsParts } from '../rounds.ts'
import { everyAuroraCluster } from './find.ts'
import type { AuroraClusterRecord } from './record.ts'

interface Parts extends Pick<RoundsParts<AuroraClusterRecord>, 'everyMs' | 'what' | 'watcher'> {
  /** Which of them are looked at; default: all. */
  readonly isWatched?: (cluster: AuroraClusterRecord) => boolean
}

/** Looks at Aurora clusters again and again until it is stopped: rounds.ts. */
export const auroraRounds = (
  control: Pick<Control, 'store' | 'clock'>,
  log: Log,
  { isWatched = () => true, ...parts }: Parts,
): { stop(): void } =>
  inRounds({
    ...parts,
    clock: control.clock,
    log,
    list: async () => (await everyAuroraCluster(control)).filter(isWatched),
    keyOf: ({ resourceId }) => resourceId,
  })
