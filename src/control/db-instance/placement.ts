import type { Control, Scope } from '../control.ts'
import { invalidCombination, invalidValue } from './faults.ts'

/** AWS: RDS API reference, CreateDBInstance, AvailabilityZone: it cannot be given where MultiAZ is true. */
export function refuseZoneOfMultiAz(asked: {
  MultiAZ?: boolean | undefined
  AvailabilityZone?: string | undefined
}): void {
  if (asked.MultiAZ && asked.AvailabilityZone !== undefined)
    throw invalidCombination('Requesting a specific availability zone is not valid for Multi-AZ instances.')
}

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
