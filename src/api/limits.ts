/** Bounds on what one request, and all connections together, may take. */
import { MIB } from '#base/bytes.ts'
import { MINUTE_MS, SECOND_MS } from '#base/durations.ts'

export interface ApiLimits {
  /** Bytes of a body, compressed and not. The largest that AWS takes for these services is the Data API's 4 MiB. */
  readonly bodyBytesMax: number
  /** Time for a request's headers, and for the whole request, to arrive. */
  readonly headersMs: number
  readonly requestMs: number
  /** Longer than the pools of the SDKs keep a connection, so that none is closed under a request. */
  readonly keepAliveMs: number
  readonly connectionsMax: number
}

export const API_LIMITS: ApiLimits = {
  bodyBytesMax: 8 * MIB,
  headersMs: 20 * SECOND_MS,
  requestMs: MINUTE_MS,
  keepAliveMs: 75 * SECOND_MS,
  connectionsMax: 4_096,
}
