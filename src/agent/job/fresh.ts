import type { InstanceSpec } from '#wire/agent/messages.ts'
import type { Instance } from '../supervisor/instance.ts'
import { JobFailure } from './failure.ts'

/** Throws `stale-spec` for a spec that was made before the host's own: it would undo who is primary, or whom commits wait for. */
export function requireFresh(instance: Instance, spec: InstanceSpec): void {
  if ((spec.generation ?? 0) < (instance.spec.generation ?? 0))
    throw new JobFailure('stale-spec', 'The instance has changed since this was asked for.')
}
