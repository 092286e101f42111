import { done, flow, go, wait, type Next } from '#flow/flow.ts'
import type { EventId } from '#catalog/events.ts'
import { NOTHING, type Mutation } from '#store/collection.ts'
import { auroraSubjectOf } from '../aurora-cluster/record.ts'
import { routeCluster } from '../aurora-cluster/routes.ts'
import { keyOf, subjectOf } from '../db-instance/record.ts'
import { anyZone } from '../hosts.ts'
import { globalClusters, isSame, type GlobalClusterRecord } from '../global-cluster/record.ts'
import { bytesLost, lossText, measureLoss } from '../global-cluster/loss.ts'
import { volumes } from '../volume/record.ts'
import { follow, observedRelay, relayName, unfollow } from '../volume/relays.ts'
import { changeAurora, changeMembers } from './aurora-context.ts'
import { clusterEvent } from './db-cluster-context.ts'
import { jobOn } from './context.ts'
import { relayed, sidesOf, swapped, type Sides, type SwitchContext as C } from './global-context.ts'
import { fenceDeadlineMs, restartDeadlineMs } from './limits.ts'

type Step =
  | 'verify'
  | 'stop'
  | 'rest'
  | 'drain'
  | 'fence'
  | 'promote'
  | 'await'
  | 'announce'
  | 'rejoin'
  | 'finish'
  | 'cancel'
  | 'back'
  | 'again'

const LOOK_MS = 1000

/** How long the new primary may take to get the rest of the log, while nobody writes. */
const DRAIN_MS_MAX = 120_000

/** Copies tell how far they are once a second. */
const LOSS_TOLD_MS_MAX = 10_000

/**
 * Another cluster of a global database becomes its primary.
 *
 *   switchover   verify ─► stop ─► rest ─► drain ─► promote ─► await ─► announce ─► rejoin ─► finish
 *                  └──────────┴───────┴───────┴──► cancel ─► back
 *   failover     verify ─► fence ─────────────────► promote ─► …
 *
 * Up to `promote` the old primary can write again; from its commit on the new one alone can.
 */
export const switchAuroraGlobal = flow(
  'switch-aurora-global',
  { exhausted: 'again', policy: { deadlineMs: restartDeadlineMs } },
  {
    /** Whatever else is being done with the two comes to its end first. */
    verify: async (c: C): Promise<Next<Step>> => {
      const it = await sidesOf(c)
      if (!it) return done('deleted')
      const { isDataLossAllowed } = it.under
      const busy = isDataLossAllowed ? [it.under.to] : [it.under.from, it.under.to]
      for (const key of busy) if (await c.control.flows.of(auroraSubjectOf(key))) return wait({ timeoutMs: LOOK_MS })
      const status = isDataLossAllowed ? 'failing-over' : 'switching-over'
      return go(
        isDataLossAllowed ? 'fence' : 'stop',
        switched(c, it, { ...it.under, status }),
        it.from ? changeAurora(c.control, it.from, { phase: 'modifying', isOpen: false }) : NOTHING,
        changeAurora(c.control, it.to, { phase: 'promoting' }),
        told(c, it, 'RDS-EVENT-0181', `${whatOf(it)} to DB cluster ${it.under.to.id} in ${it.under.to.region} started`),
      )
    },

    /** The old writer ends in order: whatever it acknowledged is on four members of its volume. */
    stop: async (c: C): Promise<Next<Step>> => {
      const it = await sidesOf(c)
      if (!it?.from) return done('deleted')
      const { cluster, members } = it.from
      await routeCluster(c.control, cluster)
      const writer = members.get(cluster.writer ?? '')?.value
      if (writer) {
        const outcome = await jobOn(c, writer, {
          name: `stop-${c.failures}`,
          kind: 'instance.stop',
          input: async () => ({ id: writer.resourceId, mode: 'fast' }),
        })
        if (outcome.state === 'pending') return wait({ timeoutMs: LOOK_MS })
        if (outcome.state === 'failed') throw new Error(`stop the writer: ${outcome.error.message}`)
      }
      return go('rest', told(c, it, 'RDS-EVENT-0182', `Old primary DB cluster ${cluster.id} was shut down`))
    },

    /** The old primary's volume becomes a copy of the new one's: its relay seals it, and lets the other have all of it. */
    rest: async (c: C): Promise<Next<Step>> => {
      const it = await sidesOf(c)
      if (!it?.from) return done('deleted')
      const { fromVolume, under } = it
      if (!fromVolume || fromVolume.value.relay) return go('drain')
      const following = { source: under.to, zone: anyZone(c.control.hosts), release: relayName(under.to.resourceId) }
      return go(
        'drain',
        volumes(c.control, under.from).update(fromVolume, follow(fromVolume.value, following)),
        await relayed(c, under.from),
        told(c, it, 'RDS-EVENT-0183', 'Waiting for data synchronization across global cluster members'),
      )
    },

    drain: async (c: C): Promise<Next<Step>> => {
      const it = await sidesOf(c)
      if (!it?.fromVolume) return done('deleted')
      const old = await observedRelay(c.control, it.fromVolume.value)
      const next = await observedRelay(c.control, it.toVolume.value)
      const isThere = old?.recoveredEnd !== undefined && next?.phase === 'following' && next.copied >= old.recoveredEnd
      if (isThere) return go('promote')
      return c.spentMs > DRAIN_MS_MAX ? go('cancel') : wait({ timeoutMs: LOOK_MS })
    },

    /** An old writer that can be reached ends at once; any other is fenced by its volume when that is a copy. */
    fence: async (c: C): Promise<Next<Step>> => {
      const it = await sidesOf(c)
      if (!it) return done('deleted')
      const writer = it.from?.members.get(it.from.cluster.writer ?? '')?.value
      if (!it.from || !writer || !c.control.hosts.isConnected(writer.zone) || c.spentMs > fenceDeadlineMs)
        return go('promote')
      await routeCluster(c.control, it.from.cluster)
      const { resourceId: id } = writer
      const outcome = await jobOn(c, writer, {
        name: `fence-${c.failures}`,
        kind: 'instance.fence',
        input: async () => ({ id }),
      })
      return outcome.state === 'pending' ? wait({ timeoutMs: fenceDeadlineMs }) : go('promote')
    },

    /** One commit: who writes, and whose copies all others are. */
    promote: async (c: C): Promise<Next<Step>> => {
      const it = await sidesOf(c)
      if (!it) return done('deleted')
      const { under, to, from, toVolume, fromVolume } = it
      const loss = under.isDataLossAllowed
        ? await measureLoss(c.control, { from: fromVolume?.value, to: toVolume.value })
        : undefined
      const above = Math.max(fromVolume?.value.epoch ?? 0, toVolume.value.epoch) + 1
      const others = await swapped(c, it)
      const { flows } = c.control
      const begin = { key: under.to, why: 'promote', because: 'The DB cluster becomes the primary.' }
      const writer = await flows.supersede('start-aurora-writer', auroraSubjectOf(under.to), begin)
      const old = from?.members.get(from.cluster.writer ?? '')
      return go(
        'await',
        switched(c, it, { ...under, ...(loss && { loss }) }, true),
        volumes(c.control, under.to).update(toVolume, unfollow(toVolume.value, above)),
        await relayed(c, under.to),
        changeAurora(c.control, to, { phase: 'promoting', global: { ...to.cluster.global!, isSecondary: false } }),
        writer.writes,
        from
          ? changeAurora(c.control, from, {
              writer: undefined,
              isOpen: false,
              global: { ...from.cluster.global!, isSecondary: true },
            })
          : NOTHING,
        old ? changeMembers(c.control, [old], { phase: 'rebooting' }) : NOTHING,
        ...others,
      )
    },

    await: async (c: C): Promise<Next<Step>> => {
      const it = await sidesOf(c)
      if (!it) return done('deleted')
      const { cluster } = it.to
      // Who waits for the old writer waits in vain now.
      if (it.from) await routeCluster(c.control, it.from.cluster)
      const isThere = cluster.isOpen && cluster.phase === 'available'
      return isThere ? go('announce') : wait({ timeoutMs: LOOK_MS })
    },

    announce: async (c: C): Promise<Next<Step>> => {
      const it = await sidesOf(c)
      if (!it) return done('deleted')
      const { cluster } = it.to
      const { loss, to } = it.under
      const bytes = loss && (await bytesLost(c.control, to, loss))
      const isToBeTold = loss?.sourceEnd !== undefined && bytes === undefined
      if (isToBeTold && c.spentMs < LOSS_TOLD_MS_MAX) return wait({ timeoutMs: LOOK_MS })
      const lost = loss ? `. ${lossText(loss, bytes)}` : ''
      const text = `New primary DB cluster ${cluster.id} in ${cluster.region} was successfully promoted${lost}`
      return go('rejoin', told(c, it, 'RDS-EVENT-0184', text))
    },

    /** The old writer comes back as a reader of what is a copy now, by a flow of its own. */
    rejoin: async (c: C): Promise<Next<Step>> => {
      const it = await sidesOf(c)
      if (!it) return done('deleted')
      for (const { value } of it.from?.members.values() ?? []) {
        if (value.phase !== 'rebooting') continue
        const subject = subjectOf(keyOf(value))
        if (await c.control.flows.of(subject)) continue
        const restart = c.control.flows.start('restart-aurora-reader', subject, { key: keyOf(value) })
        return go('finish', restart.writes)
      }
      return go('finish')
    },

    finish: async (c: C): Promise<Next<Step>> => {
      const it = await sidesOf(c)
      if (!it) return done('deleted')
      for (const one of [it.from, it.to])
        for (const { zone, resourceId } of one?.cluster.members ?? [])
          if (c.control.hosts.isConnected(zone)) await c.control.hosts.forgetJobs(zone, `${resourceId}/${c.flowId}/`)
      return done(
        'switched',
        switched(c, it, undefined),
        it.from ? changeAurora(c.control, it.from, { phase: 'available' }) : NOTHING,
        told(
          c,
          it,
          'RDS-EVENT-0185',
          `${whatOf(it)} to DB cluster ${it.under.to.id} in ${it.under.to.region} finished`,
        ),
      )
    },

    /** The old primary goes on, in another epoch than any that was taken meanwhile. */
    cancel: async (c: C): Promise<Next<Step>> => {
      const it = await sidesOf(c)
      if (!it?.from) return done('deleted')
      const { under, from, to, fromVolume, toVolume } = it
      const begin = {
        key: under.from,
        why: 'recover',
        because: 'The switchover was cancelled.',
        ...(from.cluster.writer !== undefined && { target: from.cluster.writer }),
      }
      const writer = await c.control.flows.supersede('start-aurora-writer', auroraSubjectOf(under.from), begin)
      return go(
        'back',
        switched(c, it, { ...under, status: 'cancelling' }),
        fromVolume?.value.relay
          ? volumes(c.control, under.from).update(fromVolume, unfollow(fromVolume.value, toVolume.value.epoch))
          : NOTHING,
        fromVolume?.value.relay ? await relayed(c, under.from) : NOTHING,
        changeAurora(c.control, to, { phase: 'available' }),
        writer.writes,
        told(c, it, 'RDS-EVENT-0186', `${whatOf(it)} to DB cluster ${under.to.id} in ${under.to.region} was cancelled`),
      )
    },

    back: async (c: C): Promise<Next<Step>> => {
      const it = await sidesOf(c)
      if (!it?.from) return done('deleted')
      const { isOpen, phase } = it.from.cluster
      return isOpen && phase === 'available'
        ? done('cancelled', switched(c, it, undefined))
        : wait({ timeoutMs: LOOK_MS })
    },

    /** What failed again and again: before the change it is cancelled, after it goes on. */
    again: async (c: C): Promise<Next<Step>> => {
      const it = await sidesOf(c)
      if (!it) return done('deleted')
      if (isSame(it.global.value.primary, it.under.to)) return go('await')
      return it.under.isDataLossAllowed ? go('promote') : go('cancel')
    },
  },
)

const whatOf = ({ under }: Sides): string => (under.isDataLossAllowed ? 'Global failover' : 'Global switchover')

/** The write of the global cluster's record. `isSwapped`: the two have changed their parts. */
function switched(c: C, { global, under }: Sides, next: GlobalClusterRecord['switch'], isSwapped = false): Mutation {
  const { switch: _before, ...record } = global.value
  const swappedTo = {
    primary: under.to,
    secondaries: [under.from, ...record.secondaries.filter((one) => !isSame(one, under.to))],
  }
  return globalClusters(c.control, c.input).update(global, {
    ...record,
    ...(isSwapped && swappedTo),
    ...(next && { switch: next }),
  })
}

/** Both clusters have the event: each in its region. */
function told({ control }: C, { from, to }: Sides, id: EventId, text: string): Mutation {
  const events = [from, to].flatMap((one) => (one ? [clusterEvent(control, one.cluster, id, `${text}.`)] : []))
  return { compares: events.flatMap(({ compares }) => compares), ops: events.flatMap(({ ops }) => ops) }
}
