/** Jobs that others give way to. */
import type { JobKind } from '#wire/agent/messages.ts'

/** Kinds that make it pointless to bring the engine back first. */
export const INTERRUPTING: ReadonlySet<JobKind> = new Set([
  'instance.stop',
  'instance.remove',
  'instance.restart',
  'instance.fence',
  'instance.follow',
  'instance.attach',
])

/** Kinds on which the service of a whole database waits. */
export const TAKING_OVER: ReadonlySet<JobKind> = new Set(['instance.promote', 'instance.seal', 'instance.lead'])

/** Kinds that an engine does not do on what its clients may have. */
export const isHurried = (kind: JobKind): boolean => INTERRUPTING.has(kind) || TAKING_OVER.has(kind)
