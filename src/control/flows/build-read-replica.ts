import { done, flow, go, wait } from '#flow/flow.ts'
import type { JobErrorCode } from '#wire/agent/messages.ts'
import { NOTHING, type Held, type Mutation } from '#store/collection.ts'
import { issueCertificate } from '../db-instance/certificate.ts'
import { findByKey, timersOf, type DbInstanceRecord, type ReplicaOf } from '../db-instance/record.ts'
import { instanceSpec } from '../db-instance/spec.ts'
import { FIRST_STREAM_MS_MAX } from '../read-replica/limits.ts'
import { linked } from '../read-replica/link.ts'
import { seenOf } from '../read-replica/observed.ts'
import { change, instanceEvent, instanceOf, job, jobOn, type FlowContext, type InstanceInput } from './context.ts'
import { busyLookMs, engineDeadlineMs } from './limits.ts'
import { moveToFreePort } from './move-port.ts'

interface Input extends InstanceInput {
  /** Whether there was a replica before, which cannot follow any more. It serves until the new copy takes its place. */
  readonly isRebuild: boolean
}
type C = FlowContext<Input>

/** A standby's files are copied from its source while that serves; then it streams what was written since. */
export const buildReadReplica = flow(
  'build-read-replica',
  {
    exhausted: 'abandon',
    steps: {
      admit: { deadlineMs: engineDeadlineMs },
      seed: { deadlineMs: engineDeadlineMs },
      follow: { deadlineMs: engineDeadlineMs },
    },
  },
  {
    /** From here on the source keeps the log that the replica will need. */
    admit: async (c: C) => {
      const held = await instanceOf(c)
      if (!held) return done('deleted')
      const source = await sourceOf(c, held.value)
      if (!source) return go('abandon', lacksSource(c, held))
      if (!(await isSeedRemoved(c, held.value, 'used'))) return wait()
      if (!isServing(source.value)) return wait({ timeoutMs: busyLookMs })
      const outcome = await job(c, {
        zone: source.value.zone,
        resourceId: held.value.resourceId,
        // What the source is told must be what it still is when that is written down: else it is told again.
        name: `admit-${source.revision}-${c.failures}`,
        kind: 'instance.reload',
        input: async () => ({ spec: await instanceSpec(c.control, source.value) }),
      })
      if (outcome.state === 'pending') return wait()
      if (outcome.state === 'failed') throw new Error(`admit the replica: ${outcome.error.message}`)
      const { certificate, resourceId, settings } = held.value
      const { replica, writes } = (await linked(c.control, held.value)) ?? {
        replica: held.value.replica!,
        writes: NOTHING,
      }
      return go(
        'seed',
        change(c, held, {
          certificate: certificate ?? (await issueCertificate(c.control, resourceId, settings.CACertificateIdentifier)),
          replica: { ...replica, seedId: `seed-${c.flowId}-${seedNumber(replica) + 1}` },
        }),
        writes,
        { compares: [{ key: source.key, modRevision: source.revision }], ops: [] },
      )
    },

    seed: async (c: C) => {
      const held = await instanceOf(c)
      if (!held) return done('deleted')
      const source = await sourceOf(c, held.value)
      if (!source) return go('abandon', lacksSource(c, held))
      const outcome = await job(c, {
        zone: source.value.zone,
        resourceId: held.value.resourceId,
        name: `${held.value.replica!.seedId}-${c.failures}`,
        kind: 'instance.snapshot',
        input: async () => ({ id: source.value.resourceId, snapshotId: held.value.replica!.seedId! }),
      })
      if (outcome.state === 'pending') return wait()
      if (outcome.state === 'succeeded') return go('follow')
      // Its zone may be full; its engine may have been restarted, and serve again.
      if (outcome.error.code === 'failed') throw new Error(`copy the source: ${outcome.error.message}`)
      return go('abandon', change(c, held, { complaint: outcome.error.message }))
    },

    follow: async (c: C) => {
      const held = await instanceOf(c)
      if (!held) return done('deleted')
      const record = held.value
      const outcome = await jobOn(c, record, {
        name: `follow-${record.port}-${seedNumber(record.replica!)}`,
        kind: 'instance.follow',
        input: async () => ({ spec: await instanceSpec(c.control, record), seedId: record.replica!.seedId! }),
      })
      if (outcome.state === 'pending') return wait()
      if (outcome.state === 'failed') {
        if (outcome.error.code === 'port-busy' && !record.endpointKnown)
          return go('follow', await moveToFreePort(c, held))
        // An agent that dies once it has moved the copy into place has used it up.
        if (isWorthAnother(outcome.error.code) && seedNumber(record.replica!) < SEEDS_MAX) return go('admit')
        return go('abandon', change(c, held, { complaint: outcome.error.message }))
      }
      const isLate = c.spentMs > FIRST_STREAM_MS_MAX
      const { isStreaming, obstacle } = seenOf(c.control, record)
      // The slot was lost again while the copy was taken: whoever keeps the replica makes it again, and brings what it lacks.
      const needsLog = obstacle === 'log-removed'
      if (!isStreaming && !needsLog && !isLate && (await sourceOf(c, record))) return wait({ timeoutMs: LOOK_MS })
      return go(
        'finish',
        change(c, held, {
          phase: 'available',
          endpointKnown: true,
          complaint: undefined,
          replica: withoutSeed(record.replica!),
        }),
        c.input.isRebuild ? NOTHING : instanceEvent(c.control, record, 'RDS-EVENT-0005'),
      )
    },

    finish: async (c: C) => {
      await forget(c)
      c.control.flows.wakeSubjects(timersOf(c.input.key))
      return done('available')
    },

    /** The copy of the source is of no use any more. What was there before goes on, if it is there still. */
    abandon: async (c: C) => {
      const held = await instanceOf(c)
      if (!held) return done('deleted')
      const record = held.value
      const replica = withoutSeed(record.replica!)
      const { isRebuild } = c.input
      await cancel(c, record)
      if (!(await isSeedRemoved(c, record, 'abandoned'))) return wait()
      const complaint = record.complaint ?? c.lastError ?? 'The read replica could not be made in time.'
      const serves = c.control.hosts.observed(record.zone, record.resourceId)?.accepting === true
      await forget(c)
      return done(
        'abandoned',
        change(c, held, {
          phase: isRebuild && serves ? 'available' : 'failed',
          complaint,
          replica: isRebuild && !serves ? { ...replica, state: 'lost' } : replica,
        }),
        instanceEvent(c.control, record, 'RDS-EVENT-0202', `Read replica creation failed: ${complaint}`),
      )
    },
  },
)

/** Copies of the source that one flow takes: each is large, and what fails three times fails. */
const SEEDS_MAX = 3

/** How many it has taken; the copy's name says it. */
const seedNumber = ({ seedId }: ReplicaOf): number => Number(seedId?.split('-').at(-1) ?? 0)

const isWorthAnother = (code: JobErrorCode): boolean => code === 'failed' || code === 'snapshot-missing'

/** Of the copy that was taken last, if any, nothing is left. */
async function isSeedRemoved(c: C, record: DbInstanceRecord, why: string): Promise<boolean> {
  const { seedId } = record.replica!
  if (seedId === undefined) return true
  const outcome = await jobOn(c, record, {
    name: `remove-${why}-${seedId}-${c.failures}`,
    kind: 'snapshot.remove',
    input: async () => ({ snapshotId: seedId }),
  })
  if (outcome.state === 'failed') throw new Error(`remove ${seedId}: ${outcome.error.message}`)
  return outcome.state === 'succeeded'
}

const withoutSeed = ({ seedId: _used, ...replica }: ReplicaOf): ReplicaOf => replica

/** A standby says that it streams within a second. */
const LOOK_MS = 250

const sourceOf = (c: C, record: DbInstanceRecord): Promise<Held<DbInstanceRecord> | undefined> =>
  record.replica ? findByKey(c.control, record.replica.source) : Promise.resolve(undefined)

/** Its engine runs and is not about to be restarted. */
const isServing = ({ phase }: DbInstanceRecord): boolean => phase === 'available' || phase === 'backing-up'

const lacksSource = (c: C, held: Held<DbInstanceRecord>): Mutation =>
  change(c, held, { complaint: 'The source of the read replica was deleted.' })

/** Jobs of this flow are on two hosts. */
async function zonesOf(c: C, record: DbInstanceRecord): Promise<Set<string>> {
  const source = await sourceOf(c, record)
  return new Set([record.zone, ...(source ? [source.value.zone] : [])])
}

async function cancel(c: C, record: DbInstanceRecord): Promise<void> {
  for (const zone of await zonesOf(c, record))
    for (const name of ['seed', 'follow'])
      await c.control.hosts.cancelJobs(zone, `${record.resourceId}/${c.flowId}/${name}`)
}

async function forget(c: C): Promise<void> {
  const held = await instanceOf(c)
  if (!held) return
  for (const zone of await zonesOf(c, held.value))
    await c.control.hosts.forgetJobs(zone, `${held.value.resourceId}/${c.flowId}/`)
}
