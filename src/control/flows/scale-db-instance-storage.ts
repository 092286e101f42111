import { done, flow, go, wait, type Next } from '#flow/flow.ts'
import type { EventId } from '#catalog/events.ts'
import { storageTypes, validateStorage } from '#catalog/storage.ts'
import { together, type Held } from '#store/collection.ts'
import { startModification } from '../db-instance/start-modification.ts'
import type { DbInstanceRecord } from '../db-instance/record.ts'
import { statusOf } from '../db-instance/status.ts'
import { storageLeftGiB } from '../quota/quotas.ts'
import { decideScaling, type ScalingDecision, type ScalingView } from '../storage/autoscaling.ts'
import { growthPerHour } from '../storage/growth.ts'
import { historyOf, type HeldHistory } from '../storage/history.ts'
import { nearText } from '../storage/start-scaling.ts'
import { change, instanceEvent, instanceOf, type FlowContext, type InstanceInput } from './context.ts'
import { busyLookMs, timerDeadlineMs } from './limits.ts'

type C = FlowContext<InstanceInput>

/**
 * A durable timer, alive while storage is low and autoscaling is on: makes storage grow as soon as the rules allow.
 * Whatever keeps it from growing is told once.
 */
export const scaleDbInstanceStorage = flow(
  'scale-db-instance-storage',
  { exhausted: 'watch', policy: { deadlineMs: timerDeadlineMs } },
  {
    watch: async (c: C): Promise<Next<'watch'>> => {
      const held = await instanceOf(c)
      if (!held) return done('deleted')
      const history = await historyOf(c.control, c.input.key)
      const decision = decideScaling(await viewOf(c, held.value, history))
      switch (decision.do) {
        case 'nothing':
          return done('there is enough, or it may not grow')
        case 'wait':
          return hindered(c, { held, history, id: WAITS[decision.why], text: undefined, ms: decision.ms })
        case 'give up':
          return hindered(c, { held, history, ...LIMITS[decision.why], ms: busyLookMs })
        case 'scale':
          return scale(c, { held, history, decision })
      }
    },
  },
)

/** To wait until storage has been low for long is no hindrance. */
const WAITS: Readonly<Record<Extract<ScalingDecision, { do: 'wait' }>['why'], EventId | undefined>> = {
  'not low for long': undefined,
  'cooling off': 'RDS-EVENT-0220',
  busy: 'RDS-EVENT-0219',
}

const LIMITS = {
  type: { id: 'RDS-EVENT-0223', text: 'Storage autoscaling is unable to scale: the storage type allows no more.' },
  quota: {
    id: 'RDS-EVENT-0254',
    text: 'Storage autoscaling is unable to scale: the storage quota of this account is used up.',
  },
} as const

async function viewOf(c: C, record: DbInstanceRecord, { value }: HeldHistory): Promise<ScalingView> {
  const { control } = c
  const { AllocatedStorage, MaxAllocatedStorage, StorageType } = record.settings
  const status = statusOf(control, record)
  return {
    now: control.clock.now(),
    allocated: AllocatedStorage,
    max: MaxAllocatedStorage,
    typeMax: storageTypes[StorageType]!.sizeGiB.to,
    quotaLeft: await storageLeftGiB(control, record),
    queued: record.pending.AllocatedStorage,
    lowSince: value.lowSince,
    changedAt: value.changedAt,
    isFree: record.phase === 'available' && (status === 'available' || status === 'storage-full'),
    growthPerHour: growthPerHour(control, record, value.changedAt),
    speed: control.storageScale.speed,
  }
}

interface Hindrance {
  readonly held: Held<DbInstanceRecord>
  readonly history: HeldHistory
  readonly id: EventId | undefined
  readonly text: string | undefined
  readonly ms: number
}

function hindered(c: C, { held, history, id, text, ms }: Hindrance): Next<never> {
  const rest = { timeoutMs: Math.min(ms, busyLookMs) }
  if (id === undefined || history.value.hindrance === id) return wait(rest)
  return wait(rest, history.change({ hindrance: id }), instanceEvent(c.control, held.value, id, text))
}

interface Scaling extends Pick<Hindrance, 'held' | 'history'> {
  readonly decision: Extract<ScalingDecision, { do: 'scale' }>
}

function scale(c: C, { held, history, decision: { to, reachesMax, nearsMax } }: Scaling): Next<'watch'> {
  const record = held.value
  const { StorageType, Iops, StorageThroughput, MaxAllocatedStorage } = record.settings
  const complaint = validateStorage({ StorageType, AllocatedStorage: to, Iops, StorageThroughput })
  if (complaint !== undefined) {
    const text = `Storage autoscaling is unable to scale to ${to} GiB: ${complaint}`
    return hindered(c, { held, history, id: 'RDS-EVENT-0223', text, ms: busyLookMs })
  }
  const pending = { ...record.pending, AllocatedStorage: to }
  const modification = startModification(
    c.control,
    { ...record, pending },
    {
      apply: ['AllocatedStorage'],
      isAutoscaling: true,
    },
  )
  const limit = MaxAllocatedStorage!
  const warnings = [
    ...(reachesMax
      ? [
          instanceEvent(
            c.control,
            record,
            'RDS-EVENT-0224',
            `Storage grows to ${to} GiB and reaches the maximum storage threshold of ${limit} GiB: raise MaxAllocatedStorage.`,
          ),
        ]
      : []),
    ...(nearsMax ? [instanceEvent(c.control, record, 'RDS-EVENT-0225', nearText(to, limit))] : []),
  ]
  return go(
    'watch',
    together(change(c, held, { pending, phase: modification.phase }), modification.writes, ...warnings),
  )
}
