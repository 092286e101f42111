import { MINUTE_MS, SECOND_MS } from '#base/durations.ts'

/** How long a request waits for its zone's agent to be there: it may have to be started first. */
export const CONNECT_PATIENCE_MS = 20 * SECOND_MS

/** How long a request waits for its reply. Cancelling may have to wait for an engine to stop. */
export const REPLY_PATIENCE_MS = 60 * SECOND_MS

/** Time for a new connection to say who it is. */
export const HELLO_PATIENCE_MS = 5 * SECOND_MS

/** Connections that have not said who they are yet, at once. */
export const STRANGERS_MAX = 16

/**
 * Pauses before the agent of a zone that is needed is started again. The first is for one whose connection is lost: if
 * it lives it dials again sooner. The others are for ones that were started and have not dialled yet.
 */
export const LAUNCH_PAUSES_MS = [100, 2 * SECOND_MS, 5 * SECOND_MS, 10 * SECOND_MS] as const

/** How long the order to stop all engines may take. */
export const SHUT_DOWN_PATIENCE_MS = 90 * SECOND_MS

/** An agent without instances that was asked nothing for this long is dismissed: it is started again when it is needed. */
export const DISMISS_MS = MINUTE_MS

/** Requests that wait for one agent at once. */
export const REQUESTS_MAX = 10_000

/** Pause before the endpoint process is dialled again. */
export const ENDPOINT_DIAL_MS = 50
