import { MINUTE_MS } from '#base/durations.ts'
import { StartError } from './start-error.ts'

/** What `HOLDFAST_FAILOVER_PAUSE_MS` says, or a minute. */
export function failoverPauseMs(text: string | undefined): number {
  if (text === undefined || text === '') return MINUTE_MS
  if (!/^\d{1,9}$/.test(text))
    throw new StartError(
      `HOLDFAST_FAILOVER_PAUSE_MS is '${text}', which is no number of milliseconds.`,
      'Give one, or none.',
    )
  return Number(text)
}
