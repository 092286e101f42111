import { done, flow, go, wait, type Next } from '#flow/flow.ts'
import { NOTHING, together, type Held } from '#store/collection.ts'
import { routeCluster } from '../aurora-cluster/routes.ts'
import {
  auroraPasswordSubjectOf,
  auroraTimersOf,
  isWriter,
  type AuroraClusterRecord,
} from '../aurora-cluster/record.ts'
import { candidatesIn, serves } from '../aurora-cluster/sight.ts'
import { chooseSuccessor } from '../aurora-cluster/successor.ts'
import { keyOf, subjectOf, type DbInstanceRecord } from '../db-instance/record.ts'
import { takeEpoch } from '../volume/epochs.ts'
import { volumes, type VolumeRecord } from '../volume/record.ts'
import {
  auroraOf,
  auroraSpec,
  changeAurora,
  changeMembers,
  forgetAuroraJobs,
  replaceMember,
  type AuroraInput,
  type HeldAurora,
} from './aurora-context.ts'
import { instanceEvent, jobOn, type FlowContext, type JobOutcome } from './context.ts'
import { clusterEvent } from './db-cluster-context.ts'
import { fenceDeadlineMs, restartDeadlineMs, standbyPatienceMs } from './limits.ts'

interface Input extends AuroraInput {
  readonly why: 'create' | 'start' | 'failover' | 'reboot' | 'modify' | 'recover' | 'delete'
  /** What happened to the writer, for the event. */
  readonly because: string
  /** Resource id of the instance that is to write; absent, or gone by then: whoever is first by the rules. */
  readonly target?: string
}
type C = FlowContext<Input>
type Step = 'decide' | 'cut' | 'end' | 'begin' | 'open' | 'rejoin' | 'finish' | 'rest'

/** How often it is looked for what others do, besides every time that the flow is woken. */
const LOOK_MS = 1000

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
      const volume = au && (await volumes(c.control, au.cluster).get(au.cluster.resourceId))
      if (!au || !volume) return done('deleted')
      const target = targetOf(c, au)
      if (!target) return go('finish')
      const { cluster } = au
      const isFailover = cluster.writer !== target.value.resourceId
      return go(
        'cut',
        volumes(c.control, cluster).update(volume, takeEpoch(volume.value, target.value.resourceId)),
        changeAurora(c.control, au, { isOpen: false, ...(isFailover && { phase: 'failing-over' }) }),
        isFailover ? startedEvent(c, au, target.value) : NOTHING,
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
      const volume = au && (await epochOf(c, au))
      if (!au || !volume) return done('deleted')
      const writer = au.cluster.writer === undefined ? undefined : au.members.get(au.cluster.writer)?.value
      if (!writer || c.input.why === 'create') return go('begin')
      if (!c.control.hosts.isConnected(writer.zone) || c.spentMs > fenceDeadlineMs) return go('begin')
      const { resourceId: id } = writer
      const name = `end-${volume.epoch}-${c.failures}`
      const outcome = isPlanned(c.input)
        ? await jobOn(c, writer, { name, kind: 'instance.stop', input: async () => ({ id, mode: 'fast' }) })
        : await jobOn(c, writer, { name, kind: 'instance.fence', input: async () => ({ id }) })
      if (outcome.state === 'pending') return wait({ timeoutMs: fenceDeadlineMs })
      if (outcome.state === 'failed' && outcome.error.code !== 'instance-missing')
        throw new Error(`end the old writer: ${outcome.error.message}`)
      return go('begin')
    },

    begin: async (c: C): Promise<Next<Step>> => {
      const au = await auroraOf(c)
      const volume = au && (await epochOf(c, au))
      if (!au || !volume) return done('deleted')
      const target = au.members.get(volume.writer ?? '')
      // It was deleted meanwhile, or another epoch was taken.
      if (!target || target.value.phase === 'deleting') return go('decide')
      const outcome = await begin(c, au, { target: target.value, volume })
      if (outcome.state === 'pending') return wait()
      if (outcome.state === 'failed') throw new Error(`start the writer: ${outcome.error.message}`)
      const before = au.cluster.writer
      const isNew = before !== target.value.resourceId
      return go(
        'open',
        changeAurora(c.control, au, { writer: target.value.resourceId, isOpen: true, complaint: undefined }),
        ...(isNew && before !== undefined ? [demote(c, au.members.get(before))] : []),
      )
    },

    open: async (c: C): Promise<Next<Step>> => {
      const au = await auroraOf(c)
      if (!au) return done('deleted')
      const writer = au.members.get(au.cluster.writer ?? '')
      if (!writer) return go('decide')
      if (!serves(c.control, writer.value)) return wait({ timeoutMs: LOOK_MS })
      if (writer.value.phase !== 'creating' && writer.value.phase !== 'available')
        return go(
          'open',
          replaceMember(c.control, writer, { ...writer.value, phase: 'available', stoppedAt: undefined }),
          instanceEvent(c.control, writer.value, c.input.why === 'start' ? 'RDS-EVENT-0088' : 'RDS-EVENT-0006'),
        )
      await routeCluster(c.control, au.cluster)
      return go(
        'rejoin',
        changeAurora(c.control, au, { phase: 'available', stoppedAt: undefined }),
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
          return c.control.flows.start('restart-aurora-reader', subject, { key: keyOf(value) }).writes
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
      if (!isWaiting) return done('serving', ...withoutInstance(c, au))
      const password = await c.control.flows.supersede('set-aurora-password', auroraPasswordSubjectOf(key), { key })
      return done('serving', password.writes)
    },

    /** What failed again and again is begun anew after a while, in a new epoch. */
    rest: async (c: C): Promise<Next<Step>> => {
      const au = await auroraOf(c)
      if (!au) return done('deleted')
      const leftMs = standbyPatienceMs - c.spentMs
      return leftMs > 0 ? wait({ timeoutMs: leftMs }) : go('decide')
    },
  },
)

/** Readers have other flows that see to them, should one take longer than this to come back. */
const REJOIN_MS_MAX = 60_000

/** The old writer serves, and somebody wants it to end in order. */
const isPlanned = ({ why }: Input): boolean => why !== 'recover'

/** The volume's row, if the epoch is one for somebody. */
async function epochOf(c: C, { cluster }: HeldAurora): Promise<VolumeRecord | undefined> {
  return (await volumes(c.control, cluster).get(cluster.resourceId))?.value
}

/** The instance that is to write: the one that was asked for, else the first by the rules, else the writer of before. */
function targetOf(c: C, { cluster, members }: HeldAurora): Held<DbInstanceRecord> | undefined {
  const able = (resourceId: string | undefined): Held<DbInstanceRecord> | undefined => {
    const held = resourceId === undefined ? undefined : members.get(resourceId)
    return held && held.value.phase !== 'deleting' ? held : undefined
  }
  const asked = able(c.input.target)
  if (asked) return asked
  const lost = members.get(cluster.writer ?? '')?.value.zone
  const chosen = chooseSuccessor(candidatesIn(c.control, cluster, members), lost)
  return able(chosen?.resourceId) ?? able(cluster.writer) ?? [...members.keys()].map(able).find((held) => held)
}

type Beginning = 'instance.create' | 'instance.promote' | 'instance.restart'

/**
 * Has the target write: it is made, where nothing has ever written; a reader is promoted; a writer of before starts again.
 */
function begin(
  c: C,
  { cluster, members }: HeldAurora,
  { target, volume }: { readonly target: DbInstanceRecord; readonly volume: VolumeRecord },
): Promise<JobOutcome<Beginning>> {
  const next: AuroraClusterRecord = { ...cluster, writer: target.resourceId }
  const spec = (): ReturnType<typeof auroraSpec> => auroraSpec(c.control, next, members.get(target.resourceId)!.value)
  const name = `begin-${volume.epoch}-${c.failures}`
  if (target.phase === 'creating')
    return jobOn(c, target, {
      name,
      kind: 'instance.create',
      input: async () => ({
        spec: await spec(),
        master: { name: cluster.master.username, passwordVerifier: cluster.master.verifier },
        databaseName: cluster.databaseName,
      }),
    })
  const isReader = !isWriter(cluster, target) && serves(c.control, target)
  return jobOn(c, target, {
    name,
    kind: isReader ? 'instance.promote' : 'instance.restart',
    input: async () => ({ spec: await spec() }),
  })
}

/** The writer of before comes back as a reader. */
const demote = (c: C, held: Held<DbInstanceRecord> | undefined): ReturnType<typeof changeMembers> =>
  held && held.value.phase !== 'deleting' ? changeMembers(c.control, [held], { phase: 'rebooting' }) : NOTHING

/** It has to come back as a reader. Those that are being made, or go, see to themselves. */
const isAway = (cluster: AuroraClusterRecord, record: DbInstanceRecord): boolean =>
  !isWriter(cluster, record) && (record.phase === 'rebooting' || record.phase === 'starting')

/** A cluster without an instance is up when there is nobody to start. */
const withoutInstance = (c: C, au: HeldAurora): ReturnType<typeof changeAurora>[] =>
  au.cluster.members.length === 0 && au.cluster.phase !== 'deleting'
    ? [changeAurora(c.control, au, { phase: 'available', stoppedAt: undefined })]
    : []

const startedEvent = (
  c: C,
  { cluster, members }: HeldAurora,
  target: DbInstanceRecord,
): ReturnType<typeof clusterEvent> => {
  const old = members.get(cluster.writer ?? '')?.value
  const isSameZone = old?.zone === target.zone
  const text = `Started ${isSameZone ? 'same' : 'cross'} AZ failover to DB instance: ${target.id}. ${c.input.because}`
  return clusterEvent(c.control, cluster, isSameZone ? 'RDS-EVENT-0072' : 'RDS-EVENT-0073', text)
}

const completedEvent = (c: C, { cluster }: HeldAurora, writer: DbInstanceRecord): ReturnType<typeof clusterEvent> => {
  if (c.input.why === 'start') return clusterEvent(c.control, cluster, 'RDS-EVENT-0151')
  if (cluster.phase !== 'failing-over') return NOTHING
  return clusterEvent(c.control, cluster, 'RDS-EVENT-0071', `Completed failover to DB instance: ${writer.id}`)
}
