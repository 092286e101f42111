import { done, flow, go, wait, type Next } from '#flow/flow.ts'
import type { Held, Mutation } from '#store/collection.ts'
import type { JobError } from '#wire/agent/messages.ts'
import { findByKey, subjectOf, type DbInstanceRecord, type ReplicaOf } from '../db-instance/record.ts'
import { instanceSpec } from '../db-instance/spec.ts'
import {
  CALM_LOOK_MS,
  CATCH_UP_TRIES_MAX,
  OBSTACLE_MS_MIN,
  REMEDY_PAUSE_MS,
  RECONNECT_EVERY_MS,
  TROUBLE_LOOK_MS,
  VAIN_CATCH_UPS_MAX,
} from '../read-replica/limits.ts'
import { archiveOf } from '../read-replica/archive-of.ts'
import { releaseLink, relink } from '../read-replica/link.ts'
import { seenOf } from '../read-replica/observed.ts'
import { dropReplica } from '../read-replica/replicas.ts'
import { change, instanceEvent, instanceOf, job, jobOn, type FlowContext, type InstanceInput } from './context.ts'
import { timerDeadlineMs } from './limits.ts'

type C = FlowContext<InstanceInput>
type Found = Held<DbInstanceRecord>
type Step = Next<'watch'>

/**
 * Lives as long as its instance is a read replica: tells when replication stops and resumes, brings replica and source
 * together again, has a replica rebuilt that cannot follow any more, and decides what becomes of one without a source.
 * Entering the step anew is what gives every trouble its own beginning.
 */
export const keepReadReplica = flow(
  'keep-read-replica',
  { exhausted: 'watch', policy: { deadlineMs: timerDeadlineMs } },
  {
    watch: async (c: C): Promise<Step> => {
      const held = await instanceOf(c)
      const replica = held?.value.replica
      if (!held || !replica) return done('no replica any more')
      if (replica.state === 'terminated') return done('terminated')
      const isLost = held.value.phase === 'failed' && replica.state === 'lost'
      if (held.value.phase !== 'available' && !isLost) return wait({ timeoutMs: CALM_LOOK_MS })
      const source = await findByKey(c.control, replica.source)
      if (!source) return orphaned(c, held, replica)
      if (isLost) return rebuild(c, held, replica)
      const relinked = await relink(c.control, held)
      if (relinked) return go('watch', relinked)
      return follow(c, held, { replica, source })
    },
  },
)

/** AWS: RDS User Guide, "Deleting a DB instance": replicas in the source's region are promoted, others follow nobody. */
async function orphaned(c: C, held: Found, replica: ReplicaOf): Promise<Step> {
  const drop = await dropReplica(c.control, replica.source, c.input.key)
  if (replica.source.region !== c.input.key.region)
    return done(
      'terminated',
      change(c, held, { replica: { source: replica.source, state: 'terminated' } }),
      drop,
      releaseLink(held.value),
      instanceEvent(c.control, held.value, 'RDS-EVENT-0057'),
    )
  const promotion = c.control.flows.start('promote-read-replica', subjectOf(c.input.key), { key: c.input.key })
  return go('watch', change(c, held, { phase: 'modifying' }), promotion.writes)
}

interface Pair {
  readonly replica: ReplicaOf
  readonly source: Found
}

async function follow(c: C, held: Found, { replica, source }: Pair): Promise<Step> {
  const seen = seenOf(c.control, held.value)
  if (seen.obstacle === 'settings') return restart(c, held, replica)
  if (seen.isStreaming === undefined) return wait({ timeoutMs: TROUBLE_LOOK_MS })
  if (seen.isStreaming) {
    if (replica.state === 'replicating') return wait({ timeoutMs: CALM_LOOK_MS })
    await forget(c, held, source)
    return go('watch', turn(c, held, 'replicating'), instanceEvent(c.control, held.value, 'RDS-EVENT-0046'))
  }
  if (replica.state === 'replicating')
    return go('watch', turn(c, held, 'error'), instanceEvent(c.control, held.value, 'RDS-EVENT-0045'))
  if (source.value.phase !== 'available') return wait({ timeoutMs: TROUBLE_LOOK_MS })
  if (seen.obstacle && c.spentMs >= OBSTACLE_MS_MIN) {
    const catchingUp = seen.obstacle === 'log-removed' ? await catchUp(c, held, { replica, source }) : undefined
    return catchingUp ?? rebuild(c, held, replica)
  }
  await reconnect(c, held, source)
  return wait({ timeoutMs: TROUBLE_LOOK_MS })
}

/** With archived log, to where its source can go on. Undefined: that does not help. */
async function catchUp(c: C, held: Found, { replica, source }: Pair): Promise<Step | undefined> {
  const prefix = await archiveOf(c.control, source.value)
  if (prefix === undefined) return undefined
  const { resourceId } = held.value
  const attempt = replica.catchUps ?? 0
  // From here on the source keeps the log that will be asked of it next: its slot for the replica was lost.
  const admission = await job(c, {
    zone: source.value.zone,
    resourceId,
    name: `admit-${attempt}-${c.failures}`,
    kind: 'instance.reload',
    input: async () => ({ spec: await instanceSpec(c.control, source.value) }),
  })
  if (admission.state === 'pending') return wait({ timeoutMs: TROUBLE_LOOK_MS })
  // The replica's own attempts to stream hold the slot for a moment each.
  if (admission.state === 'failed') throw new Error(`admit the replica: ${admission.error.message}`)
  const outcome = await jobOn(c, held.value, {
    name: `catch-up-${attempt}-${c.failures}`,
    kind: 'instance.catch-up',
    input: async () => ({ id: resourceId, prefix }),
  })
  if (outcome.state === 'pending') return wait({ timeoutMs: TROUBLE_LOOK_MS })
  if (outcome.state === 'failed' && !isWorthAnother(c, outcome.error)) return undefined
  // Where there is no room for log there is none for a copy.
  if (outcome.state === 'failed' && outcome.error.code !== 'disk-full')
    throw new Error(`catch up: ${outcome.error.message}`)
  const isHeldUp = outcome.state === 'succeeded' && !outcome.result.isStreaming && !outcome.result.isFurther
  const vainCatchUps = isHeldUp ? (replica.vainCatchUps ?? 0) + 1 : 0
  if (vainCatchUps > VAIN_CATCH_UPS_MAX) return undefined
  return go('watch', change(c, held, { replica: { ...replica, catchUps: attempt + 1, vainCatchUps } }))
}

/** The archive may have been out of reach, or the engine have been restarted; what is not in there never will be. */
const isWorthAnother = (c: C, { code }: JobError): boolean =>
  code !== 'backup-broken' && c.failures < CATCH_UP_TRIES_MAX

const turn = (c: C, held: Found, state: ReplicaOf['state']): Mutation =>
  change(c, held, { replica: { ...held.value.replica!, state } })

interface Remedy {
  readonly flow: string
  readonly input: object
  readonly change: Partial<DbInstanceRecord>
}

function start(c: C, held: Found, remedy: Remedy): Step {
  const { key } = c.input
  const { writes } = c.control.flows.start(remedy.flow, subjectOf(key), { key, ...remedy.input })
  return go('watch', change(c, held, remedy.change), writes)
}

/** A remedy that did not help is not tried again at once. */
const leftMs = (c: C, lastAt: number | undefined): number =>
  (lastAt ?? -Infinity) + REMEDY_PAUSE_MS - c.control.clock.now()

function restart(c: C, held: Found, replica: ReplicaOf): Step {
  const pauseMs = leftMs(c, replica.restartedAt)
  if (pauseMs > 0) return wait({ timeoutMs: pauseMs })
  return start(c, held, {
    flow: 'reboot-db-instance',
    input: {},
    change: { phase: 'rebooting', replica: { ...replica, restartedAt: c.control.clock.now() } },
  })
}

function rebuild(c: C, held: Found, replica: ReplicaOf): Step {
  const pauseMs = leftMs(c, replica.rebuiltAt)
  if (pauseMs > 0) return wait({ timeoutMs: pauseMs })
  return start(c, held, {
    flow: 'build-read-replica',
    input: { isRebuild: true },
    change: { phase: 'modifying', replica: { ...replica, rebuiltAt: c.control.clock.now(), vainCatchUps: 0 } },
  })
}

/**
 * Either may have been told something old: the source another port or certificate than it has by now, or whom it lets in.
 * Once in a while both are told again; the time that has passed names the attempt, so that looking often does not make more.
 */
async function reconnect(c: C, held: Found, source: Found): Promise<void> {
  const attempt = Math.floor((c.control.clock.now() - c.enteredAt) / RECONNECT_EVERY_MS)
  if (attempt === 0) return
  for (const { value } of [source, held])
    await job(c, {
      zone: value.zone,
      resourceId: c.input.key.resourceId,
      name: `reconnect-${value.resourceId}-${attempt}`,
      kind: 'instance.reload',
      input: async () => ({ spec: await instanceSpec(c.control, value) }),
    })
}

async function forget(c: C, held: Found, source: Found): Promise<void> {
  for (const zone of new Set([held.value.zone, source.value.zone]))
    await c.control.hosts.forgetJobs(zone, `${c.input.key.resourceId}/${c.flowId}/`)
}
