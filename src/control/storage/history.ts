/** What happened to an instance's storage, as far as rules and events depend on it. */
import { HOUR_MS } from '#base/durations.ts'
import type { EventId } from '#catalog/events.ts'
import { Collection, NOTHING, type Held, type Mutation } from '#store/collection.ts'
import type { StorageLevel } from '#wire/agent/storage.ts'
import { prefixOf, type Control } from '../control.ts'
import type { InstanceKey } from '../db-instance/record.ts'

export interface StorageHistory {
  /** The level that events have told of. */
  readonly level: StorageLevel
  /** Since when a tenth or less is free without a break: by our clock, when it was reported. */
  readonly lowSince: number | undefined
  /** When it was last told that storage is low. */
  readonly toldLowAt: number | undefined
  /** What kept storage from growing by itself, as an event has told of it; undefined: nothing does. */
  readonly hindrance: EventId | undefined
  /** When a change of size, type or performance was last finished. */
  readonly changedAt: number | undefined
}

const NO_HISTORY: StorageHistory = {
  level: 'ample',
  lowSince: undefined,
  toldLowAt: undefined,
  hindrance: undefined,
  changedAt: undefined,
}

/** AWS: RDS User Guide, "Increasing DB instance storage capacity": no other change within six hours. */
const COOLING_OFF_MS = 6 * HOUR_MS

const histories = (control: Pick<Control, 'store'>, key: InstanceKey): Collection<StorageHistory> =>
  new Collection(control.store, prefixOf(key, 'db-instance-storage'))

export interface HeldHistory {
  readonly value: StorageHistory
  /** The write that changes it, for a transaction. */
  change(changes: Partial<StorageHistory>): Mutation
}

export async function historyOf(control: Pick<Control, 'store'>, key: InstanceKey): Promise<HeldHistory> {
  const collection = histories(control, key)
  const held: Held<StorageHistory> | undefined = await collection.get(key.resourceId)
  const value = held?.value ?? NO_HISTORY
  return {
    value,
    change(changes) {
      const next = { ...value, ...changes }
      return held ? collection.update(held, next) : collection.create(key.resourceId, next)
    },
  }
}

/** A change of storage is finished now: the next one has to wait. */
export async function storageChanged(control: Pick<Control, 'store' | 'clock'>, key: InstanceKey): Promise<Mutation> {
  return (await historyOf(control, key)).change({ changedAt: control.clock.now(), hindrance: undefined })
}

export async function forgetHistory(control: Pick<Control, 'store'>, key: InstanceKey): Promise<Mutation> {
  const held = await histories(control, key).get(key.resourceId)
  return held ? histories(control, key).remove(held) : NOTHING
}

/** How long storage may not be changed yet; zero or less: it may. */
export function coolingOffMs(
  { clock, storageScale }: Pick<Control, 'clock' | 'storageScale'>,
  { changedAt }: Pick<StorageHistory, 'changedAt'>,
): number {
  return changedAt === undefined ? 0 : changedAt + COOLING_OFF_MS / storageScale.speed - clock.now()
}
