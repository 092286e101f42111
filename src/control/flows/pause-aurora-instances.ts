import { done, flow, go, wait, type Next } from '#flow/flow.ts'
import { NOTHING, together, type Held, type Mutation } from '#store/collection.ts'
import { isInUse } from '../aurora-cluster/activity.ts'
import { auroraTimersOf } from '../aurora-cluster/record.ts'
import { routeCluster } from '../aurora-cluster/routes.ts'
import type { Control } from '../control.ts'
import { withPause, type Pause } from '../db-instance/pause.ts'
import type { DbInstanceRecord } from '../db-instance/record.ts'
import { restVolume } from '../volume/epochs.ts'
import { volumes } from '../volume/record.ts'
import {
  auroraOf,
  changeAurora,
  forgetAuroraJobs,
  replaceMember,
  type AuroraInput,
  type HeldAurora,
} from './aurora-context.ts'
import { instanceEvent, jobOn, type FlowContext } from './context.ts'
import { restartDeadlineMs, timerDeadlineMs } from './limits.ts'

interface Input extends AuroraInput {
  /** Resource ids of a reader, or of all instances that pause with the writer, the writer last. */
  readonly ids: readonly string[]
}
type C = FlowContext<Input>
type Step = 'begin' | 'hold' | 'stop' | 'rest' | 'finish' | 'cancel' | 'reopen'

/**
 * Stops the engines of instances that nobody is connected to. Whoever comes from the second step on is kept waiting: the
 * gateways say whether anybody did before, and then nothing is stopped; who comes later waits for the end of this, and is
 * what wakes the instances again (auto-pause.ts).
 */
export const pauseAuroraInstances = flow(
  'pause-aurora-instances',
  {
    exhausted: 'cancel',
    policy: { deadlineMs: restartDeadlineMs },
    // From `stop` on engines may be down already, and whoever waits is brought back only once all of them are.
    steps: {
      // Clients wait meanwhile.
      hold: { attemptsMax: 3 },
      stop: { attemptsMax: Number.MAX_SAFE_INTEGER, deadlineMs: timerDeadlineMs },
      rest: { attemptsMax: Number.MAX_SAFE_INTEGER },
      finish: { attemptsMax: Number.MAX_SAFE_INTEGER },
      reopen: { attemptsMax: Number.MAX_SAFE_INTEGER },
    },
  },
  {
    begin: async (c: C): Promise<Next<Step>> => {
      const au = await auroraOf(c)
      if (!au) return done('deleted')
      const members = membersOf(c, au)
      const isAwake = ({ value: { phase, aurora } }: Held<DbInstanceRecord>): boolean =>
        phase === 'available' && !aurora?.pause
      if (members.length < c.input.ids.length || !members.every(isAwake) || !isPausing(au)) return done('not now')
      return go(
        'hold',
        setPause(c, members, { state: 'pausing', since: c.control.clock.now() }),
        hasWriter(c, au) ? changeAurora(c.control, au, { isAsleep: true }) : NOTHING,
        events(c, members, 'RDS-EVENT-0370'),
      )
    },

    /** Nobody comes in any more when the gateways have answered; engines say whether somebody came past them. */
    hold: async (c: C): Promise<Next<Step>> => {
      const au = await auroraOf(c)
      if (!au) return done('deleted')
      const members = membersOf(c, au)
      if (members.length < c.input.ids.length || !isPausing(au)) return go('cancel')
      if (members.some(({ value }) => value.phase !== 'available')) return go('cancel')
      await routeCluster(c.control, au.cluster)
      if (isInUse(c.control, au.cluster, c.input.ids)) return go('cancel')
      for (const { value } of members) if (await hasClients(c.control, value)) return go('cancel')
      return go('stop', hasWriter(c, au) ? changeAurora(c.control, au, { isOpen: false }) : NOTHING)
    },

    stop: async (c: C): Promise<Next<Step>> => {
      const au = await auroraOf(c)
      if (!au) return done('deleted')
      for (const { value } of membersOf(c, au)) {
        const outcome = await jobOn(c, value, {
          name: `stop-${c.failures}`,
          kind: 'instance.stop',
          input: async () => ({ id: value.resourceId, mode: 'fast' }),
        })
        if (outcome.state === 'pending') return wait()
        if (outcome.state === 'failed' && outcome.error.code !== 'instance-missing')
          throw new Error(`pause ${value.id}: ${outcome.error.message}`)
      }
      return go('rest')
    },

    rest: async (c: C): Promise<Next<Step>> => {
      const au = await auroraOf(c)
      const volume = au && (await volumes(c.control, au.cluster).get(au.cluster.resourceId))
      if (!au || !volume) return done('deleted')
      const members = membersOf(c, au)
      return go(
        'finish',
        hasWriter(c, au) ? volumes(c.control, au.cluster).update(volume, restVolume(volume.value)) : NOTHING,
        setPause(c, members, { state: 'paused', since: c.control.clock.now() }),
        events(c, members, 'RDS-EVENT-0372'),
      )
    },

    finish: async (c: C): Promise<Next<Step>> => {
      const au = await auroraOf(c)
      if (!au) return done('deleted')
      await routeCluster(c.control, au.cluster)
      await forgetAuroraJobs(c, au.cluster)
      c.control.flows.wakeSubjects(auroraTimersOf(c.input.key))
      return done('paused')
    },

    cancel: async (c: C): Promise<Next<Step>> => {
      const au = await auroraOf(c)
      if (!au) return done('deleted')
      const members = membersOf(c, au)
      return go(
        'reopen',
        setPause(c, members, undefined),
        hasWriter(c, au) ? changeAurora(c.control, au, { isAsleep: false }) : NOTHING,
        events(c, members, 'RDS-EVENT-0371'),
      )
    },

    reopen: async (c: C): Promise<Next<Step>> => {
      const au = await auroraOf(c)
      if (!au) return done('deleted')
      await routeCluster(c.control, au.cluster)
      return done('in use')
    },
  },
)

/** As far as they are still there, in the order in which they stop. */
const membersOf = ({ input: { ids } }: C, { members }: HeldAurora): Held<DbInstanceRecord>[] =>
  ids.flatMap((id) => members.get(id) ?? [])

const hasWriter = ({ input: { ids } }: C, { cluster }: HeldAurora): boolean => ids.includes(cluster.writer ?? '')

/** The cluster is one whose instances are to be paused. Of a global one other regions read the log, which only a head lets them. */
const isPausing = ({ cluster: { phase, isOpen, global, shared, pendingVerifier } }: HeldAurora): boolean =>
  phase === 'available' &&
  global === undefined &&
  isOpen &&
  pendingVerifier === undefined &&
  shared.serverlessScaling?.secondsUntilAutoPause !== undefined

const setPause = (c: C, members: readonly Held<DbInstanceRecord>[], pause: Pause | undefined): Mutation =>
  together(...members.map((held) => replaceMember(c.control, held, withPause(held.value, pause))))

const events = (c: C, members: readonly Held<DbInstanceRecord>[], id: Parameters<typeof instanceEvent>[2]): Mutation =>
  together(...members.map(({ value }) => instanceEvent(c.control, value, id)))

/** What cannot be seen is no reason to stop an engine. */
async function hasClients({ hosts }: Control, { zone, resourceId: id }: DbInstanceRecord): Promise<boolean> {
  if (!hosts.isConnected(zone)) return true
  const asked = await hosts.ask(zone, 'instance.connections', { id }).catch(() => undefined)
  return asked?.count !== 0
}
