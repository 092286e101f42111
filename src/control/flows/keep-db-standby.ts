import { resourceId as newResourceId } from '#host/random.ts'
import { done, flow, go, wait, type Next } from '#flow/flow.ts'
import type { Held, Mutation } from '#store/collection.ts'
import { subjectOf, type DbInstanceRecord, type Phase, type Standby } from '../db-instance/record.ts'
import { archivePrefix, instanceSpec } from '../db-instance/spec.ts'
import { isStreaming, primarySeen, standbySeen, withStandby } from '../multi-az/copies.ts'
import { isLeftFailed, retryRecovery, startRecovery } from '../multi-az/start-recovery.ts'
import { isRouteOpen, openRoute } from '../multi-az/route.ts'
import { standbySpec } from '../multi-az/standby-spec.ts'
import { CATCH_UP_TRIES_MAX, OBSTACLE_MS_MIN } from '../read-replica/limits.ts'
import { instanceEvent, instanceOf, job, jobOn, replace, type FlowContext, type InstanceInput } from './context.ts'
import { engineDeadlineMs, restLeftMs, standbyGraceMs, standbyPatienceMs, timerDeadlineMs } from './limits.ts'

type C = FlowContext<InstanceInput>
type Step = 'watch' | 'return' | 'seed' | 'follow' | 'catch-up' | 'join' | 'tell' | 'release'

/** Phases in which no other flow ends or starts engines. */
const AT_WORK: readonly Phase[] = ['creating', 'available', 'backing-up', 'resetting-master-credentials']

/** A modification restarts engines, unless all that is left of it is to wait for this flow's standby. */
const isAtWork = ({ phase, pending }: DbInstanceRecord): boolean =>
  AT_WORK.includes(phase) || (phase === 'modifying' && pending.MultiAZ === true)

/**
 * Keeps the second copy of a Multi-AZ instance: makes one where there is none, lets commits wait for it once it has
 * everything, and decides that they wait no longer when it is gone. Lives as long as the instance is to have one.
 *
 * The order of writes is what no acknowledged commit depends on being right by luck: a standby is said to be `in-sync`
 * after commits wait for it, and is said to be so no longer before they stop waiting.
 */
export const keepDbStandby = flow(
  'keep-db-standby',
  {
    exhausted: 'rest',
    policy: { deadlineMs: timerDeadlineMs },
    steps: { seed: { deadlineMs: engineDeadlineMs }, follow: { deadlineMs: engineDeadlineMs } },
  },
  {
    watch: async (c: C): Promise<Next<Step>> => {
      const held = await instanceOf(c)
      if (!held?.value.standby || held.value.standby.state === 'leaving') return done('no standby is wanted')
      const record = held.value
      const recovery = startRecovery(c.control, held)
      if (recovery) return wait({ timeoutMs: standbyGraceMs }, recovery.writes)
      if (isLeftFailed(record)) {
        const leftMs = standbyPatienceMs - c.spentMs
        return leftMs > 0 ? wait({ timeoutMs: leftMs }) : go('watch', retryRecovery(c.control, held).writes)
      }
      if (!isAtWork(record) || !primarySeen(c.control, record)?.accepting) return wait()
      if (record.phase === 'available' && !isRouteOpen(c.control, record)) await openRoute(c.control, record)
      return lookAfter(c, held, held.value.standby)
    },

    /** The old primary ended in order: it has nothing that the new one has not, and follows as it is. */
    return: async (c: C): Promise<Next<Step>> => {
      const held = await instanceOf(c)
      const record = held?.value
      if (!held || record?.standby?.state !== 'returning') return go('watch')
      if (!(await isAdmitted(c, record))) return wait()
      const outcome = await job(c, {
        zone: record.standby.zone,
        resourceId: record.resourceId,
        name: `return-${record.generation}`,
        kind: 'instance.start',
        input: async () => ({ spec: await standbySpec(c.control, record) }),
      })
      if (outcome.state === 'pending') return wait()
      return go('watch', standbyIs(c, held, { state: outcome.state === 'succeeded' ? 'following' : 'missing' }))
    },

    /** The primary lets the standby in and keeps its log from here on; then a copy of it is taken. */
    seed: async (c: C): Promise<Next<Step>> => {
      const held = await instanceOf(c)
      const record = held?.value
      if (record?.standby?.state !== 'building') return go('watch')
      const seedId = record.standby.seedId!
      if (!(await isAdmitted(c, record))) return wait()
      const outcome = await jobOn(c, record, {
        name: `seed-${seedId}`,
        kind: 'instance.snapshot',
        input: async () => ({ id: record.resourceId, snapshotId: seedId }),
      })
      if (outcome.state === 'pending') return wait()
      if (outcome.state === 'failed') throw new Error(`copy the primary: ${outcome.error.message}`)
      return go('follow')
    },

    follow: async (c: C): Promise<Next<Step>> => {
      const held = await instanceOf(c)
      const record = held?.value
      if (!held || record?.standby?.state !== 'building') return go('watch')
      const seedId = record.standby.seedId!
      const outcome = await job(c, {
        zone: record.standby.zone,
        resourceId: record.resourceId,
        name: `follow-${seedId}`,
        kind: 'instance.follow',
        input: async () => ({ spec: await standbySpec(c.control, record), seedId }),
      })
      if (outcome.state === 'pending') return wait()
      // An agent that died after it had moved the copy into place has nothing left to make a standby from.
      if (outcome.state === 'failed' && outcome.error.code === 'snapshot-missing')
        return go('watch', standbyIs(c, held, { state: 'missing' }))
      if (outcome.state === 'failed') throw new Error(`make the standby: ${outcome.error.message}`)
      return go('watch', standbyIs(c, held, { state: 'following' }))
    },

    /** What the primary has removed of its log is in the archive. The primary keeps from here on what comes after that. */
    'catch-up': async (c: C): Promise<Next<Step>> => {
      const held = await instanceOf(c)
      const record = held?.value
      if (!held || record?.standby?.state !== 'following' || isStreaming(c.control, record)) return go('watch')
      const attempt = `${c.enteredAt}-${c.failures}`
      if (!(await isAdmitted(c, record, `readmit-${attempt}`))) return wait()
      const outcome = await job(c, {
        zone: record.standby.zone,
        resourceId: record.resourceId,
        name: `catch-up-${attempt}`,
        kind: 'instance.catch-up',
        input: async () => ({ id: record.resourceId, prefix: archivePrefix(record) }),
      })
      if (outcome.state === 'pending') return wait()
      if (outcome.state === 'failed' && outcome.error.code !== 'backup-broken' && c.failures < CATCH_UP_TRIES_MAX)
        throw new Error(`bring the standby up: ${outcome.error.message}`)
      const hasComeOn = outcome.state === 'succeeded' && (outcome.result.isStreaming || outcome.result.isFurther)
      return hasComeOn ? go('watch') : go('watch', standbyIs(c, held, { state: 'missing' }))
    },

    join: async (c: C): Promise<Next<Step>> => {
      const held = await instanceOf(c)
      const record = held?.value
      if (!held || record?.standby?.state !== 'joining') return go('watch')
      const outcome = await jobOn(c, record, {
        name: `join-${record.generation}`,
        kind: 'instance.synchronize',
        input: async () => ({ spec: await instanceSpec(c.control, record) }),
      })
      if (outcome.state === 'pending') return wait()
      // Commits waited for it in vain: not again at once.
      const joinAt = c.control.clock.now() + standbyPatienceMs
      if (outcome.state === 'failed') return go('release', standbyIs(c, held, { state: 'following', joinAt }))
      // The same spec: nothing that an agent was told is void.
      const { generation } = record
      return go(
        'tell',
        replace(c, held, { ...withStandby(record, { ...record.standby, state: 'in-sync' }), generation: generation! }),
      )
    },

    /** Whoever made the instance, or is changing it, may have waited for this. */
    tell: async (c: C): Promise<Next<Step>> => {
      const held = await instanceOf(c)
      if (held) await forgetOldJobs(c, held.value)
      c.control.flows.wakeSubjects(subjectOf(c.input.key))
      return go('watch')
    },

    /** The primary serves alone, and says so. */
    release: async (c: C): Promise<Next<Step>> => {
      const held = await instanceOf(c)
      const record = held?.value
      if (record?.standby?.state !== 'following') return go('watch')
      const outcome = await jobOn(c, record, {
        name: `release-${record.generation}-${c.failures}`,
        kind: 'instance.reload',
        input: async () => ({ spec: await instanceSpec(c.control, record) }),
      })
      if (outcome.state === 'pending') return wait()
      if (outcome.state === 'failed') throw new Error(`let commits go on: ${outcome.error.message}`)
      return go('watch', instanceEvent(c.control, record, 'RDS-EVENT-0044', ALONE))
    },

    /** What failed again and again is begun anew after a while. */
    rest: async (c: C): Promise<Next<Step>> => {
      const held = await instanceOf(c)
      if (!held?.value.standby) return go('watch')
      const leftMs = standbyPatienceMs - c.spentMs
      if (leftMs > 0) return wait({ timeoutMs: leftMs })
      const { state, seedId } = held.value.standby
      if (seedId !== undefined && !(await isSeedRemoved(c, held.value, seedId))) return wait()
      await forgetOldJobs(c, held.value)
      const isHalfMade = state === 'building' || state === 'returning'
      return isHalfMade ? go('watch', standbyIs(c, held, { state: 'missing' })) : go('watch')
    },
  },
)

const ALONE = 'The DB instance runs without its standby, which does not answer. Commits no longer wait for it.'

async function lookAfter(c: C, held: Held<DbInstanceRecord>, standby: Standby): Promise<Next<Step>> {
  const { control } = c
  switch (standby.state) {
    case 'returning':
      return go('return')
    case 'missing': {
      const seedId = newResourceId('seed', control.random)
      return go('seed', standbyIs(c, held, { state: 'building', seedId }))
    }
    case 'building':
      return go('seed')
    case 'joining':
      return go('join')
    case 'following': {
      if (isStreaming(control, held.value)) {
        const restMs = restLeftMs(standby.joinAt, control.clock.now())
        return restMs > 0 ? wait({ timeoutMs: restMs }) : go('join', standbyIs(c, held, { state: 'joining' }))
      }
      if (lacksArchivedLog(control, held.value))
        return c.spentMs < OBSTACLE_MS_MIN ? wait({ timeoutMs: OBSTACLE_MS_MIN - c.spentMs }) : go('catch-up')
      // It may have to start, or to catch up; one that still does not stream then cannot.
      const leftMs = standbyPatienceMs - c.spentMs
      return leftMs > 0 ? wait({ timeoutMs: leftMs }) : go('watch', standbyIs(c, held, { state: 'missing' }))
    }
    case 'in-sync':
      return watchSynchronous(c, held, standby)
    case 'leaving':
      return done('no standby is wanted')
  }
}

/** Commits wait for it: one that ended is given up at once, one that is silent after a moment. */
async function watchSynchronous(c: C, held: Held<DbInstanceRecord>, standby: Standby): Promise<Next<Step>> {
  const { control } = c
  const { troubledAt: notedAt, ...untroubled } = standby
  if (isStreaming(control, held.value))
    return notedAt === undefined ? wait() : go('watch', replace(c, held, { ...held.value, standby: untroubled }))
  const state = standbySeen(control, held.value)?.state
  const now = control.clock.now()
  // Of a trouble that is yet to come, by a clock that was set back, nobody knows when it began.
  const troubledAt = notedAt !== undefined && notedAt <= now ? notedAt : undefined
  if (state === 'stopped' || state === 'failed' || now - (troubledAt ?? now) >= standbyGraceMs)
    return go('release', standbyIs(c, held, { state: 'following' }))
  if (troubledAt === undefined)
    return wait(
      { timeoutMs: standbyGraceMs },
      replace(c, held, { ...held.value, standby: { ...standby, troubledAt: now } }),
    )
  return wait({ timeoutMs: Math.max(troubledAt + standbyGraceMs - now, 1) })
}

/** It needs log that its primary does not have any more, and that was archived. */
function lacksArchivedLog(control: C['control'], record: DbInstanceRecord): boolean {
  const replication = standbySeen(control, record)?.replication
  const isRemoved = replication?.role === 'standby' && replication.obstacle === 'log-removed'
  return isRemoved && record.settings.BackupRetentionPeriod > 0
}

/** Whether the primary has been told of its follower. */
async function isAdmitted(
  c: C,
  record: DbInstanceRecord,
  name = `admit-${record.generation}-${c.failures}`,
): Promise<boolean> {
  const outcome = await jobOn(c, record, {
    name,
    kind: 'instance.reload',
    input: async () => ({ spec: await instanceSpec(c.control, record) }),
  })
  if (outcome.state === 'failed') throw new Error(`let the standby in: ${outcome.error.message}`)
  return outcome.state === 'succeeded'
}

/** A copy that no standby was made from would lie there for ever. */
async function isSeedRemoved(c: C, record: DbInstanceRecord, seedId: string): Promise<boolean> {
  const outcome = await jobOn(c, record, {
    name: `drop-${seedId}-${c.failures}`,
    kind: 'snapshot.remove',
    input: async () => ({ snapshotId: seedId }),
  })
  if (outcome.state === 'failed') throw new Error(`remove the copy of the primary: ${outcome.error.message}`)
  return outcome.state === 'succeeded'
}

const standbyIs = (
  c: C,
  held: Held<DbInstanceRecord>,
  changed: Pick<Standby, 'state' | 'seedId' | 'joinAt'>,
): Mutation => replace(c, held, withStandby(held.value, { zone: held.value.standby!.zone, ...changed }))

/** This flow lives for months: what its jobs left in the hosts' tables goes when it has come to rest. */
async function forgetOldJobs(c: C, record: DbInstanceRecord): Promise<void> {
  for (const zone of [record.zone, record.standby?.zone])
    if (zone !== undefined) await c.control.hosts.forgetJobs(zone, `${record.resourceId}/${c.flowId}/`)
}
