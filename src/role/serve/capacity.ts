import { capacityKind } from '../capacity-kind.ts'
import { StartError } from './start-error.ts'

/** Throws where `HOLDFAST_CAPACITY` says what nobody can follow. */
export function requireCapacity(env: Readonly<Record<string, string | undefined>>): void {
  const asked = env['HOLDFAST_CAPACITY']
  if (capacityKind(asked) === undefined)
    throw new StartError(`HOLDFAST_CAPACITY is '${asked}'.`, 'Say limits or settings, or leave it out.')
}
