/** Regions and availability zones: which there are, and what they are called. */
import type { Control } from '../control.ts'

export interface Zone {
  /** `us-east-1a`. */
  readonly name: string
  /** `use1-az1`. On AWS it tells which building an account's zone is; here it follows the name. */
  readonly id: string
}

/** AWS: Regions that are enabled for every account. Any other name works as well: a region is only a name here. */
export const REGIONS = [
  'ap-northeast-1',
  'ap-northeast-2',
  'ap-northeast-3',
  'ap-south-1',
  'ap-southeast-1',
  'ap-southeast-2',
  'ca-central-1',
  'eu-central-1',
  'eu-north-1',
  'eu-west-1',
  'eu-west-2',
  'eu-west-3',
  'sa-east-1',
  'us-east-1',
  'us-east-2',
  'us-west-1',
  'us-west-2',
] as const

/** The zones of a region: one for each zone that has a host. */
export function zonesOf(control: Pick<Control, 'hosts'>, region: string): Zone[] {
  return control.hosts.zones.map((letter) => ({ name: region + letter, id: zoneId(region, letter) }))
}

export function zoneIdOf(name: string): string {
  return zoneId(name.slice(0, -1), name.slice(-1))
}

/** `ap-southeast-2` and `b` make `apse2-az2`. */
function zoneId(region: string, letter: string): string {
  const parts = region.split('-').map((part) => {
    const [, first = '', second = ''] = /^(north|south)?(east|west)?/.exec(part) ?? []
    if (first || second) return (first[0] ?? '') + (second[0] ?? '')
    return part === 'central' || part === 'gov' ? part[0]! : part
  })
  return `${parts.join('')}-az${letter.charCodeAt(0) - 'a'.charCodeAt(0) + 1}`
}
