import type { Control, Scope } from '../control.ts'
import { invalidValue } from './faults.ts'

/** The host's letter for an availability zone of the region; the first one where none is asked for. */
export function chooseZone(control: Pick<Control, 'hosts'>, scope: Scope, wanted: string | undefined): string {
  const { zones } = control.hosts
  if (wanted === undefined) return zones[0]!
  const zone = wanted.startsWith(scope.region) ? wanted.slice(scope.region.length) : ''
  if (!zones.includes(zone)) {
    const valid = zones.map((letter) => scope.region + letter).join(', ')
    throw invalidValue(`Availability zone ${wanted} is not valid in ${scope.region}. Valid zones: ${valid}`)
  }
  return zone
}
