import type { EventId } from '#catalog/events.ts'
import { done, flow, go, wait, type Next } from '#flow/flow.ts'
import { type DbInstanceRecord } from '../db-instance/record.ts'
import { instanceSpec } from '../db-instance/spec.ts'
import { standbySeen, swapped, withStandby } from '../multi-az/copies.ts'
import { cutRoute, openRoute } from '../multi-az/route.ts'
import {
  change,
  instanceEvent,
  instanceOf,
  job,
  jobOn,
  replace,
  type FlowContext,
  type InstanceInput,
} from './context.ts'
import { endEngine } from './end-engine.ts'
import { afterStart, failed, failedAgain, finished } from './endings.ts'
import { fenceDeadlineMs, restartDeadlineMs } from './limits.ts'
import { restartAlone } from './restart-engine.ts'

interface Input extends InstanceInput {
  /** Somebody asked for a failover of a primary that serves. */
  readonly isForced: boolean
  /** What happened to the primary, for the event. */
  readonly because: string
  /** It failed before, and that was said. */
  readonly isRetry?: boolean
}
type C = FlowContext<Input>
type Step =
  | 'decide'
  | 'cut'
  | 'end'
  | 'promote'
  | 'open'
  | 'give-up'
  | 'restart'
  | 'gate'
  | 'alone'
  | 'reopen'
  | 'finish'
  | 'fail'

/**
 * Brings a Multi-AZ instance whose primary is gone back to service: the standby takes over, or where there is none that
 * has everything, the primary is started again where it is.
 *
 * Two primaries never acknowledge: nobody reaches the old one once the gateway is cut, it is ended where its host can be
 * reached, and where not, its commits wait for a standby that follows it no more.
 */
export const recoverDbInstance = flow(
  'recover-db-instance',
  {
    exhausted: 'fail',
    policy: { deadlineMs: restartDeadlineMs },
    steps: { end: { deadlineMs: restartDeadlineMs } },
  },
  {
    decide: async (c: C): Promise<Next<Step>> => {
      const held = await instanceOf(c)
      if (!held) return done('deleted')
      const record = held.value
      if (!canTakeOver(c, record)) return go('restart')
      if (!c.input.isForced && isSoonAfterFailover(c, record) && c.control.hosts.isConnected(record.zone))
        return go('restart', instanceEvent(c.control, record, 'RDS-EVENT-0034', TOO_SOON))
      return go('cut', instanceEvent(c.control, record, 'RDS-EVENT-0013', startedText(c.input)))
    },

    cut: async (c: C): Promise<Next<Step>> => {
      const held = await instanceOf(c)
      if (!held) return done('deleted')
      await cutRoute(c.control, held.value)
      return go('end')
    },

    /** A primary that serves ends in order, and can follow at once; any other is killed. */
    end: async (c: C): Promise<Next<Step>> => {
      const held = await instanceOf(c)
      if (!held) return done('deleted')
      const record = held.value
      // Without a gateway the address is the engine's: nobody can have it while the old primary may.
      const mustEnd = record.copyPorts?.isDirect === true
      const isLate = c.spentMs > fenceDeadlineMs
      const isAway = !c.control.hosts.isConnected(record.zone)
      // One that served when somebody asked is ended in order if it can be: it need not be made anew then. After a restart
      // of serve its host is back in a moment.
      if (isAway && c.input.isForced && !mustEnd && !isLate) return wait({ timeoutMs: RECONNECT_LOOK_MS })
      if (!mustEnd && (isLate || isAway)) return go('promote')
      const outcome = await endEngine(c, record)
      if (outcome.state === 'pending') return wait({ timeoutMs: fenceDeadlineMs })
      if (outcome.state === 'failed') throw new Error(`end the old primary: ${outcome.error.message}`)
      return go('promote')
    },

    promote: async (c: C): Promise<Next<Step>> => {
      const held = await instanceOf(c)
      if (!held) return done('deleted')
      const target = swapped(held.value, c.input.isForced, c.control.clock.now())
      const outcome = await job(c, {
        zone: target.zone,
        resourceId: target.resourceId,
        name: `promote-${target.generation}-${c.failures}`,
        kind: 'instance.promote',
        input: async () => ({ spec: await instanceSpec(c.control, target) }),
      })
      if (outcome.state === 'pending') return wait()
      if (outcome.state === 'succeeded') return go('open', replace(c, held, target))
      // It may be a primary by now. As long as it may, the old one stays ended.
      if (c.failures < PROMOTIONS_MAX) throw new Error(`promote the standby: ${outcome.error.message}`)
      return go('give-up', change(c, held, { complaint: outcome.error.message }))
    },

    open: (c: C) => letClientsIn(c, 'RDS-EVENT-0049'),

    /** The standby is ended for good before the old primary is started in its stead. */
    'give-up': async (c: C): Promise<Next<Step>> => {
      const held = await instanceOf(c)
      const standby = held?.value.standby
      if (!held || !standby) return go('restart')
      const outcome = await job(c, {
        zone: standby.zone,
        resourceId: held.value.resourceId,
        name: `give-up-${c.failures}`,
        kind: 'instance.fence',
        input: async () => ({ id: held.value.resourceId }),
      })
      if (outcome.state === 'pending') return wait()
      if (outcome.state === 'failed') throw new Error(`end the standby: ${outcome.error.message}`)
      return go('restart', replace(c, held, withStandby(held.value, { zone: standby.zone, state: 'missing' })))
    },

    /** Where the primary is. Nobody is let in yet: what waited for the standby is seen only once that has it. */
    restart: async (c: C): Promise<Next<Step>> => {
      const held = await instanceOf(c)
      if (!held) return done('deleted')
      const record = held.value
      await cutRoute(c.control, record)
      const outcome = await restartAlone(c, record, `restart-${record.generation}`)
      // A failover put off for a primary that cannot be started, as on a disk that failed, would be none at all.
      const isLost = outcome.state === 'failed' && outcome.error.code !== 'bad-settings'
      if (isLost && canTakeOver(c, record))
        return go(
          'cut',
          replace(c, held, outcome.record),
          instanceEvent(c.control, record, 'RDS-EVENT-0013', startedText(c.input)),
        )
      if (outcome.state !== 'succeeded') return afterStart(c, held, outcome, 'RDS-EVENT-0006')
      return go(record.standby?.state === 'in-sync' ? 'gate' : 'alone', replace(c, held, outcome.record))
    },

    gate: async (c: C): Promise<Next<Step>> => {
      const held = await instanceOf(c)
      if (!held) return done('deleted')
      const record = held.value
      if (record.standby?.state !== 'in-sync') return go('alone')
      const outcome = await jobOn(c, record, {
        name: `gate-${record.generation}`,
        kind: 'instance.synchronize',
        input: async () => ({ spec: await instanceSpec(c.control, record) }),
      })
      if (outcome.state === 'pending') return wait()
      if (outcome.state === 'succeeded') return go('reopen')
      return go('alone', replace(c, held, withStandby(record, { zone: record.standby.zone, state: 'following' })))
    },

    /** Without a standby that has everything, commits do not wait for one. */
    alone: async (c: C): Promise<Next<Step>> => {
      const held = await instanceOf(c)
      if (!held) return done('deleted')
      const record = held.value
      const outcome = await jobOn(c, record, {
        name: `alone-${record.generation}`,
        kind: 'instance.reload',
        input: async () => ({ spec: await instanceSpec(c.control, record) }),
      })
      if (outcome.state === 'pending') return wait()
      if (outcome.state === 'failed') return go('fail', change(c, held, { complaint: outcome.error.message }))
      return go('reopen')
    },

    reopen: (c: C) => letClientsIn(c, 'RDS-EVENT-0006'),

    finish: (c: C) => finished(c, 'recovered'),

    fail: (c: C) =>
      c.input.isRetry ? failedAgain(c) : failed(c, 'failed', 'The DB instance could not be brought back in time.'),
  },
)

/** How often it is looked whether a host is back that was not there. */
const RECONNECT_LOOK_MS = 200

/** Attempts to promote a standby before the old primary is tried instead. */
const PROMOTIONS_MAX = 3

const TOO_SOON = 'Automatic failover abandoned since a failover recently occurred on the DB instance: it is restarted.'

const startedText = ({ isForced, because }: Input): string =>
  `Multi-AZ instance failover started${isForced ? ' on request' : ''}. ${because}`.trim()

async function letClientsIn(c: C, event: EventId): Promise<Next<'finish'>> {
  const held = await instanceOf(c)
  if (!held) return done('deleted')
  await openRoute(c.control, held.value)
  return go(
    'finish',
    change(c, held, { phase: 'available', complaint: undefined }),
    instanceEvent(c.control, held.value, event),
  )
}

/** The standby has everything that was acknowledged, and runs. */
function canTakeOver(c: C, record: DbInstanceRecord): boolean {
  const seen = standbySeen(c.control, record)
  return (
    record.standby?.state === 'in-sync' &&
    c.control.hosts.isConnected(record.standby.zone) &&
    seen?.accepting === true &&
    seen.replication?.role === 'standby'
  )
}

/** A clock that was set back makes the last failover one of the future: that says nothing of how long ago it was. */
function isSoonAfterFailover(c: C, { failedOverAt }: DbInstanceRecord): boolean {
  if (failedOverAt === undefined) return false
  const agoMs = c.control.clock.now() - failedOverAt
  return agoMs >= 0 && agoMs < c.control.failoverPauseMs
}
