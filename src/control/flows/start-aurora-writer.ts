import { done, flow, go, wait, type Next } from '#flow/flow.ts'
import { NOTHING, together } from '#store/collection.ts'
import { completeBacktrack } from '../aurora-cluster/backtracks.ts'
import { routeCluster } from '../aurora-cluster/routes.ts'
import { auroraPasswordSubjectOf, auroraTimersOf } from '../aurora-cluster/record.ts'
import { obstacleOf, serves } from '../aurora-cluster/sight.ts'
import { isPaused } from '../db-instance/pause.ts'
import { keyOf, subjectOf } from '../db-instance/record.ts'
import { volumes } from '../volume/record.ts'
import { epochFor } from '../volume/renewal.ts'
import {
  auroraOf,
  changeAurora,
  forgetAuroraJobs,
  imageFor,
  replaceMember,
  specAs,
  volumeOf,
} from './aurora-context.ts'
import {
  candidateSpec,
  chosen,
  demote,
  isAway,
  isEarly,
  isPassedOver,
  isPlanned,
  isStray,
  standDown,
  targetOf,
  withoutInstance,
} from './aurora-succession.ts'
import { awaken, completedEvent, notResumed, startedEvent, type WriterContext as C } from './aurora-writer-events.ts'
import { instanceEvent, jobOn } from './context.ts'
import { fenceDeadlineMs, restartDeadlineMs, standbyPatienceMs } from './limits.ts'

type Step = 'decide' | 'cut' | 'end' | 'ready' | 'renew' | 'wake' | 'lead' | 'serve' | 'rejoin' | 'finish' | 'rest'

/** How often it is looked for what others do, besides every time that the flow is woken. */
const LOOK_MS = 1000

/** The same where somebody waits for a writer, and nobody says when there is something to be seen. */
const EARLY_LOOK_MS = 100

/**
 * Every start of a writer: of the first one, after a stop, a reboot or a crash, and when a reader takes over. Each is an
 * epoch of the volume, which is taken here by compare-and-set of the volume's row before anything is begun: whatever an
 * earlier writer still does is void by then, and whoever of two coordinators was slower finds that it was.
 */
export const startAuroraWriter = flow(
  'start-aurora-writer',
  { exhausted: 'rest', policy: { deadlineMs: restartDeadlineMs } },
  {
    decide: async (c: C): Promise<Next<Step>> => {
      const au = await auroraOf(c)
      const volume = au && (await volumeOf(c.control, au))
      if (!au || !volume || volume.value.relay) return done(volume ? 'a copy of another volume' : 'deleted')
      const target = targetOf(c, au, volume.value)
      if (!target) return go('finish')
      if (isEarly(c, au, target)) return wait({ timeoutMs: EARLY_LOOK_MS })
      const [{ cluster }, { resourceId }] = [au, target.value]
      const isFailover = cluster.writer !== resourceId && cluster.phase !== 'promoting'
      // Nobody may write, so nobody has to be kept from it: the shortest way.
      const isResuming = c.input.why === 'resume' && volume.value.writer === undefined
      const isAgain = volume.value.writer === resourceId
      const phase = isFailover ? 'failing-over' : c.input.why === 'recover' ? 'starting' : cluster.phase
      return go(
        isResuming ? 'wake' : 'cut',
        volumes(c.control, cluster).update(volume, await epochFor(c.control, volume.value, resourceId)),
        changeAurora(c.control, au, { isOpen: false, phase, isAsleep: c.input.why === 'resume' }),
        isFailover && !isAgain ? startedEvent(c, au, target.value) : NOTHING,
        isResuming ? instanceEvent(c.control, target.value, 'RDS-EVENT-0373') : NOTHING,
        standDown(c, au, { before: volume.value.writer, next: resourceId }),
      )
    },

    /** Nobody writes through an endpoint any more when this is over; whoever comes is kept waiting. */
    cut: async (c: C): Promise<Next<Step>> => {
      const au = await auroraOf(c)
      if (!au) return done('deleted')
      await routeCluster(c.control, au.cluster)
      return go('end')
    },

    /** A writer that serves ends in order; any other is killed. One that is out of reach is fenced by the volume. */
    end: async (c: C): Promise<Next<Step>> => {
      const au = await auroraOf(c)
      const volume = au && (await volumeOf(c.control, au))
      if (!au || !volume) return done('deleted')
      const writer = au.cluster.writer === undefined ? undefined : au.members.get(au.cluster.writer)?.value
      // Nobody of the cluster has written yet, or all of it was stopped.
      if (!writer || c.input.why === 'create' || c.input.why === 'backtrack') return go('ready')
      if (!c.control.hosts.isConnected(writer.zone) || c.spentMs > fenceDeadlineMs) return go('ready')
      const { resourceId: id } = writer
      const name = `end-${volume.value.epoch}-${c.failures}`
      const outcome = isPlanned(c.input)
        ? await jobOn(c, writer, { name, kind: 'instance.stop', input: async () => ({ id, mode: 'fast' }) })
        : await jobOn(c, writer, { name, kind: 'instance.fence', input: async () => ({ id }) })
      if (outcome.state === 'pending') return wait({ timeoutMs: fenceDeadlineMs })
      if (outcome.state === 'failed' && outcome.error.code !== 'instance-missing')
        throw new Error(`end the old writer: ${outcome.error.message}`)
      return go('ready')
    },

    /** The target runs as a reader, whatever it was before, and on what it has. */
    ready: async (c: C): Promise<Next<Step>> => {
      const it = await chosen(c)
      if (it === 'deleted') return done('deleted')
      if (it === 'others') return go('decide')
      const { target, volume } = it
      if (serves(c.control, target) && obstacleOf(c.control, target) === undefined) return go('lead')
      const outcome = await jobOn(c, target, {
        name: `ready-${volume.epoch}-${c.failures}`,
        kind: 'instance.attach',
        input: async () => ({ spec: await candidateSpec(c, it), image: undefined }),
      })
      if (outcome.state === 'pending') return wait()
      if (outcome.state === 'failed' && isStray(outcome.error, c)) return go('renew')
      if (outcome.state === 'failed') throw new Error(`start the next writer: ${outcome.error.message}`)
      if (obstacleOf(c.control, target) !== undefined) return go('renew')
      return serves(c.control, target) ? go('lead') : wait({ timeoutMs: LOOK_MS })
    },

    /** It wrote what the volume does not have, or cannot be started: a copy of an image of the volume takes its place. */
    renew: async (c: C): Promise<Next<Step>> => {
      const it = await chosen(c)
      if (it === 'deleted') return done('deleted')
      if (it === 'others') return go('decide')
      const { au, target, volume } = it
      const outcome = await jobOn(c, target, {
        name: `renew-${volume.epoch}-${c.failures}`,
        kind: 'instance.attach',
        input: async () => ({
          spec: await candidateSpec(c, it),
          image: await imageFor(c.control, au, { zone: target.zone, volume, making: `${c.flowId}/${volume.epoch}` }),
        }),
      })
      if (outcome.state === 'pending') return wait()
      if (outcome.state === 'failed') throw new Error(`make the next writer anew: ${outcome.error.message}`)
      // Its head may have begun the epoch before it was found out.
      return go('decide')
    },

    /**
     * From here to the end of the job it may have seen what is not durable, and lets nobody in. At its end something that the
     * epoch wrote is durable, so everything before it is.
     */
    lead: (c: C) =>
      lead(c, (message) => {
        throw new Error(`have the writer begin: ${message}`)
      }),

    /** The same of a writer that was paused. Where that does not do it is started as any other, in another epoch. */
    wake: (c: C) => lead(c, () => go('decide')),

    serve: async (c: C): Promise<Next<Step>> => {
      const au = await auroraOf(c)
      if (!au) return done('deleted')
      const writer = au.members.get(au.cluster.writer ?? '')
      if (!writer) return go('decide')
      if (!serves(c.control, writer.value)) return wait({ timeoutMs: LOOK_MS })
      if (writer.value.phase !== 'creating' && writer.value.phase !== 'available')
        return go(
          'serve',
          replaceMember(c.control, writer, { ...writer.value, phase: 'available', stoppedAt: undefined }),
          instanceEvent(c.control, writer.value, c.input.why === 'start' ? 'RDS-EVENT-0088' : 'RDS-EVENT-0006'),
        )
      await routeCluster(c.control, au.cluster)
      return go(
        'rejoin',
        changeAurora(c.control, au, { phase: 'available', stoppedAt: undefined, isAsleep: false }),
        completedEvent(c, au, writer.value),
      )
    },

    /** Instances that the start of the writer took along come back as readers, each by a flow of its own. */
    rejoin: async (c: C): Promise<Next<Step>> => {
      const au = await auroraOf(c)
      if (!au) return done('deleted')
      const away = [...au.members.values()].filter(({ value }) => isAway(au.cluster, value))
      const starts = await Promise.all(
        away.map(async ({ value }) => {
          const subject = subjectOf(keyOf(value))
          if (await c.control.flows.of(subject)) return NOTHING
          const { writes } = c.control.flows.start('restart-aurora-reader', subject, { key: keyOf(value) })
          return isPaused(value) ? together(writes, instanceEvent(c.control, value, 'RDS-EVENT-0373')) : writes
        }),
      )
      if (starts.some(({ ops }) => ops.length > 0)) return wait({ timeoutMs: LOOK_MS }, together(...starts))
      return away.length > 0 && c.spentMs < REJOIN_MS_MAX ? wait({ timeoutMs: LOOK_MS }) : go('finish')
    },

    finish: async (c: C): Promise<Next<Step>> => {
      const au = await auroraOf(c)
      if (!au) return done('deleted')
      const { key } = c.input
      await forgetAuroraJobs(c, au.cluster)
      for (const { resourceId } of au.cluster.members) c.control.flows.wakeSubjects(subjectOf({ ...key, resourceId }))
      c.control.flows.wakeSubjects(auroraTimersOf(key))
      const isWaiting = au.cluster.pendingVerifier !== undefined && au.cluster.isOpen
      const backtracked = await completeBacktrack(c.control, c.input)
      if (!isWaiting) return done('serving', backtracked, ...withoutInstance(c, au))
      const password = await c.control.flows.supersede('set-aurora-password', auroraPasswordSubjectOf(key), { key })
      return done('serving', backtracked, password.writes)
    },

    /** What failed again and again is begun anew after a while, in a new epoch. */
    rest: async (c: C): Promise<Next<Step>> => {
      const au = await auroraOf(c)
      if (!au) return done('deleted')
      const leftMs = standbyPatienceMs - c.spentMs
      if (leftMs > 0) return wait({ timeoutMs: leftMs })
      return go('decide', c.input.why === 'resume' ? notResumed(c, au) : NOTHING)
    },
  },
)

/** Readers have other flows that see to them, should one take longer than this to come back. */
const REJOIN_MS_MAX = 60_000

async function lead(c: C, orElse: (message: string) => Next<Step>): Promise<Next<Step>> {
  const it = await chosen(c)
  if (it === 'deleted') return done('deleted')
  if (it === 'others') return go('decide')
  const { au, target, volume } = it
  const outcome = await jobOn(c, target, {
    name: `lead-${volume.epoch}-${c.failures}`,
    kind: 'instance.lead',
    input: async () => ({ spec: await specAs(c.control, { record: target, part: 'writer', volume }) }),
  })
  if (outcome.state === 'pending') return wait()
  if (outcome.state === 'failed' && outcome.error.code === 'diverged') return go('renew')
  // Another epoch has begun, or may have: so does one more.
  if (outcome.state === 'failed' && outcome.error.code === 'fenced') return go('decide')
  if (outcome.state === 'failed' && isPassedOver(c, it)) return go('decide')
  if (outcome.state === 'failed') return orElse(outcome.error.message)
  const before = au.cluster.writer
  const isOther = before !== target.resourceId
  return go(
    'serve',
    changeAurora(c.control, au, { writer: target.resourceId, isOpen: true, complaint: undefined }),
    ...(isOther && before !== undefined ? [demote(c, au.members.get(before))] : []),
    awaken(c, au.members.get(target.resourceId)),
  )
}
