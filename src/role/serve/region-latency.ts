import { StartError } from './start-error.ts'

/** Beyond this a round trip of the kind that replication makes many of takes longer than anywhere on earth. */
const LATENCY_MS_MAX = 1_000

/** What `HOLDFAST_REGION_LATENCY_MS` says, or nothing. */
export function regionLatencyMs(text: string | undefined): number {
  if (text === undefined || text === '') return 0
  if (!/^\d{1,4}$/.test(text) || Number(text) > LATENCY_MS_MAX)
    throw new StartError(
      `HOLDFAST_REGION_LATENCY_MS is '${text}', which is no number of milliseconds from 0 to ${LATENCY_MS_MAX}.`,
      'Give one, or none.',
    )
  return Number(text)
}
