/** Links that are cut, both ways and one way. No process ends by it, so that none may be taken for dead. */
import { eventually } from '../../support/eventually.ts'
import type { Deployment } from './deployment.ts'
import { signal, type Fault } from './faults.ts'
import { detourOfLog, type Network } from './network.ts'
import type { Relay } from './relay.ts'

const STARTED = 'Multi-AZ instance failover started'
const ALONE = 'The DB instance runs without its standby'

/** Longer than both sides of a stream bear a silent peer. */
const CUT_MS_MAX = 15_000

type Direction = Parameters<Relay['cut']>[0]

/** Of the log itself, of what the standby answers, or of both. */
const cutLog = (name: string, direction?: Direction): Fault => ({
  name,
  events: [],
  never: [STARTED],
  borneMsMax: CUT_MS_MAX,
  async inject(world) {
    const { relay, endDetour } = await detourOfLog(world)
    relay.cut(direction)
    return async () => {
      relay.mend()
      await endDetour()
    }
  },
})

const alone = async (world: Deployment): Promise<number> =>
  (await world.events()).filter((message) => message.startsWith(ALONE)).length

/** Nobody but Holdfast decides that commits wait no longer. */
const cutUntilAlone: Fault = {
  name: 'cut the log until the primary serves alone',
  isEssential: true,
  events: [ALONE],
  never: [STARTED],
  async inject(world) {
    const before = await alone(world)
    const { relay, endDetour } = await detourOfLog(world)
    relay.cut()
    try {
      await eventually('the decision to serve alone', async () => ((await alone(world)) > before ? true : undefined))
    } finally {
      relay.mend()
      await endDetour()
    }
    return undefined
  },
}

/** Whichever copy serves afterwards has what was acknowledged before the cut, and during it. */
const cutAndKill = (name: string, direction?: Direction): Fault => ({
  name,
  events: [],
  borneMsMax: 6_000,
  async inject(world) {
    const primary = await world.primary()
    const { relay, endDetour } = await detourOfLog(world)
    relay.cut(direction)
    return async () => {
      signal([primary.pid], 'SIGKILL')
      relay.mend()
      await endDetour()
    }
  },
})

export function networkFaults(network: () => Network): readonly Fault[] {
  const cutClients = (name: string, direction?: Direction): Fault => ({
    name,
    events: [],
    never: [STARTED],
    async inject(world) {
      const relay = await network().toPrimary(world)
      relay.cut(direction)
      return async () => relay.mend()
    },
  })
  const broken = (name: string, act: (relay: Relay) => void): Fault => ({
    name,
    events: [],
    never: [STARTED],
    async inject(world) {
      act(await network().toPrimary(world))
      return undefined
    },
  })
  return [
    cutUntilAlone,
    cutLog('cut the log both ways'),
    cutLog('cut the log on its way to the standby', 'to-client'),
    cutLog("cut the standby's answers", 'to-server'),
    cutAndKill('cut the log, and kill the primary'),
    { ...cutAndKill("cut the standby's answers, and kill the primary", 'to-server'), isEssential: true },
    { ...cutClients('cut the gateway from the primary'), isEssential: true },
    { ...cutClients('cut the gateway from the primary for long'), borneMsMax: CUT_MS_MAX },
    cutClients("cut the gateway's requests to the primary", 'to-server'),
    { ...cutClients("cut the primary's answers to the gateway", 'to-client'), isEssential: true },
    broken('reset all connections of the gateway to the primary', (relay) => relay.reset()),
    broken('leave all connections of the gateway half open', (relay) => relay.halfOpen()),
  ]
}
