import { done, flow, go, wait, type Next } from '#flow/flow.ts'
import type { Held, Mutation } from '#store/collection.ts'
import { keyOf, subjectOf } from '../db-instance/record.ts'
import { connectedZone } from '../hosts.ts'
import { placeCopies } from '../volume/place-copies.ts'
import { volumes, type VolumeRecord } from '../volume/record.ts'
import { observedRelay, relayTerms, renewCopies, takeRelay, withoutOldRelay } from '../volume/relays.ts'
import { auroraOf, changeMembers, volumeOf, type AuroraContext as C, type HeldAurora } from './aurora-context.ts'
import { standbyPatienceMs, timerDeadlineMs } from './limits.ts'

type Step = 'order' | 'watch' | 'away' | 'renew' | 'follow' | 'end' | 'rest'

/** Between two looks at a relay. One that dies is begun again by its log node, whoever looks. */
const LOOK_MS = 5_000

/** How long a zone's agent may be away before another zone's log node relays. The relay that is left may go on meanwhile. */
const AWAY_MS = 10_000

interface Found {
  readonly au: HeldAurora
  readonly held: Held<VolumeRecord>
  readonly volume: VolumeRecord
}

async function found(c: C): Promise<Found | undefined> {
  const au = await auroraOf(c)
  const held = au && (await volumeOf(c.control, au))
  return held && { au, held, volume: held.value }
}

/** Sees to it that a volume which is a copy of another one has one relay, and one that is none has none. */
export const keepAuroraRelay = flow(
  'keep-aurora-relay',
  { exhausted: 'rest', policy: { deadlineMs: timerDeadlineMs } },
  {
    order: async (c: C): Promise<Next<Step>> => {
      const it = await found(c)
      if (!it) return done('deleted')
      const { relay } = it.volume
      if (!relay) return go('end')
      if (!c.control.hosts.isConnected(relay.zone)) return go('away')
      await c.control.hosts.ask(
        relay.zone,
        'lognode.relay',
        await relayTerms(c.control, it.volume, it.au.cluster.region),
      )
      return go('watch')
    },

    watch: async (c: C): Promise<Next<Step>> => {
      const it = await found(c)
      if (!it) return done('deleted')
      const { held, volume } = it
      const { relay } = volume
      if (!relay || volume.relaysToEnd?.some((zone) => c.control.hosts.isConnected(zone))) return go('end')
      if (!c.control.hosts.isConnected(relay.zone)) return go('away')
      const seen = await observedRelay(c.control, volume)
      if (!seen) return c.spentMs > LOOK_MS ? go('order') : wait({ timeoutMs: LOOK_MS })
      if (seen.phase === 'fenced')
        return go('order', volumes(c.control, c.input.key).update(held, takeRelay(volume, relay.zone)))
      if (seen.phase === 'diverged')
        return go('renew', volumes(c.control, c.input.key).update(held, renewCopies(volume)))
      return wait({ timeoutMs: LOOK_MS })
    },

    /** A failover went on without the last of what is durable here: the copy begins anew, with other members. */
    renew: async (c: C): Promise<Next<Step>> => {
      const it = await found(c)
      if (!it) return done('deleted')
      const { au, held, volume } = it
      const { formerMembers = [], ...renewed } = volume
      if (!volume.relay) return go('end')
      await placeCopies(c.control, volume)
      for (const { id: member, zone } of formerMembers)
        await c.control.hosts.ask(zone, 'lognode.remove', { volume: volume.id, member })
      const readers = [...au.members.values()].filter(({ value }) => value.phase === 'available')
      return go(
        'follow',
        volumes(c.control, c.input.key).update(held, renewed),
        changeMembers(c.control, readers, { phase: 'rebooting' }),
      )
    },

    /** Its readers have seen what is lost. Each is found out, and made anew of the image, by a flow of its own. */
    follow: async (c: C): Promise<Next<Step>> => {
      const it = await found(c)
      if (!it) return done('deleted')
      const starts: Mutation[] = []
      for (const { value } of it.au.members.values()) {
        const subject = subjectOf(keyOf(value))
        if (value.phase !== 'rebooting' || (await c.control.flows.of(subject))) continue
        starts.push(c.control.flows.start('restart-aurora-reader', subject, { key: keyOf(value) }).writes)
      }
      return go('order', ...starts)
    },

    /** Nobody can be asked there. What is left of it is fenced by the next one. */
    away: async (c: C): Promise<Next<Step>> => {
      const it = await found(c)
      if (!it) return done('deleted')
      const { held, volume } = it
      const { hosts } = c.control
      if (!volume.relay || hosts.isConnected(volume.relay.zone)) return go('order')
      const other = connectedZone(hosts)
      if (other === undefined || c.spentMs < AWAY_MS) return wait({ timeoutMs: LOOK_MS })
      return go('order', volumes(c.control, c.input.key).update(held, takeRelay(volume, other)))
    },

    /** Log nodes forget the relays that are over, those in zones that are away once these are back. */
    end: async (c: C): Promise<Next<Step>> => {
      const it = await found(c)
      if (!it) return done('deleted')
      const { held, volume } = it
      const { hosts } = c.control
      const zone = volume.relaysToEnd?.find((one) => hosts.isConnected(one))
      if (zone !== undefined) {
        await hosts.ask(zone, 'lognode.end-relay', { volume: volume.id })
        return go('end', volumes(c.control, c.input.key).update(held, withoutOldRelay(volume, zone)))
      }
      if (volume.relay) return go('watch')
      return volume.relaysToEnd ? wait({ timeoutMs: LOOK_MS }) : done('no copy')
    },

    /** What failed again and again is begun anew after a while. */
    rest: async (c: C): Promise<Next<Step>> => {
      const leftMs = standbyPatienceMs - c.spentMs
      return leftMs > 0 ? wait({ timeoutMs: leftMs }) : go('order')
    },
  },
)
