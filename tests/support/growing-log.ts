/** A simulated control whose log nodes say that the volumes' log is as long as a test has it. */
import { MIB } from '#base/bytes.ts'
import type { Hosts } from '#control/hosts.ts'
import type { ObservedMember } from '#wire/lognode/messages.ts'
import { simulatedControl, type SimulatedControl } from './simulated-control.ts'

export interface GrowingLog {
  readonly control: SimulatedControl
  /** Where the log is durable, in MiB. A checkpoint needs nothing before it. */
  durableMiB: number
  /** What was asked of the hosts, with the zone. */
  readonly asked: { readonly zone: string; readonly question: string; readonly input: unknown }[]
  /** Changes what is said of a member; undefined: nothing is. */
  look(member: ObservedMember): ObservedMember | undefined
}

export async function growingLog(): Promise<GrowingLog> {
  const control = await simulatedControl()
  const { hosts } = control
  const { ask } = hosts
  const growing: GrowingLog = { control, durableMiB: 0, asked: [], look: (member) => member }
  const grown = (member: ObservedMember): ObservedMember[] => {
    const durable = growing.durableMiB * MIB
    const seen = growing.look(member.state === 'open' ? { ...member, durable, end: durable } : member)
    return seen ? [seen] : []
  }
  const answer = async (...[zone, question, input]: Parameters<Hosts['ask']>): Promise<unknown> => {
    growing.asked.push({ zone, question, input })
    if (question === 'instance.checkpoint') return { at: growing.durableMiB * MIB }
    const said = await ask.call(hosts, zone, question, input)
    if (question !== 'lognode.look' || !('observed' in said) || !said.observed) return said
    return { observed: { ...said.observed, members: said.observed.members.flatMap(grown) } }
  }
  Object.assign(hosts, { ask: answer })
  return growing
}
