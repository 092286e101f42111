/** What log nodes say of a volume now. */
import type { ObservedMember, ObservedReader } from '#wire/lognode/messages.ts'
import type { Position } from '#wire/quorum/messages.ts'
import type { Control } from '../control.ts'
import { zonesOf } from './configuration.ts'
import type { VolumeRecord } from './record.ts'

/** Of one zone. A zone whose log node cannot be asked now is not among them. */
export interface VolumeSight {
  readonly zone: string
  readonly members: readonly ObservedMember[]
  readonly readers: readonly ObservedReader[]
}

export async function lookAtVolume(control: Pick<Control, 'hosts'>, volume: VolumeRecord): Promise<VolumeSight[]> {
  const zones = zonesOf(volume).filter((zone) => control.hosts.isConnected(zone))
  const answers = await Promise.allSettled(
    zones.map((zone) => control.hosts.ask(zone, 'lognode.look', { volume: volume.id })),
  )
  return answers.flatMap((answer, i) => {
    const observed = answer.status === 'fulfilled' ? answer.value.observed : undefined
    return observed ? [{ zone: zones[i]!, members: observed.members, readers: observed.readers }] : []
  })
}

/** Everything before it is durable; undefined: nobody says. */
export function durableIn(sights: readonly VolumeSight[]): Position | undefined {
  const points = sights.flatMap(({ members }) =>
    members.flatMap((member) => (member.state === 'open' ? [member.durable] : [])),
  )
  return points.length === 0 ? undefined : Math.max(...points)
}
