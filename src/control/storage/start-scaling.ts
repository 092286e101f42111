import { NOTHING, together, type Mutation } from '#store/collection.ts'
import type { Control } from '../control.ts'
import { keyOf, timerSubjectOf, type DbInstanceRecord } from '../db-instance/record.ts'
import { instanceEvent } from '../flows/context.ts'
import { isNearMax, isScalingOn } from './autoscaling.ts'
import { historyOf } from './history.ts'

/** Writes that start the timer of storage autoscaling, where that is on and the timer does not run yet. */
export async function startScaling(control: Pick<Control, 'flows'>, record: DbInstanceRecord): Promise<Mutation> {
  const { AllocatedStorage: allocated, MaxAllocatedStorage: max } = record.settings
  const key = keyOf(record)
  const subject = timerSubjectOf(key, 'storage')
  if (!isScalingOn({ allocated, max }) || (await control.flows.of(subject))) return NOTHING
  return control.flows.start('scale-db-instance-storage', subject, { key }).writes
}

/** The threshold was set: it may be near already, and storage may have been low before it was. */
export async function scalingChanged(control: Control, record: DbInstanceRecord): Promise<Mutation> {
  const { AllocatedStorage: allocated, MaxAllocatedStorage: max } = record.settings
  const { lowSince } = (await historyOf(control, keyOf(record))).value
  return together(
    lowSince === undefined ? NOTHING : await startScaling(control, record),
    isScalingOn({ allocated, max }) && isNearMax(allocated, max!)
      ? instanceEvent(control, record, 'RDS-EVENT-0225', nearText(allocated, max!))
      : NOTHING,
  )
}

export const nearText = (allocatedGiB: number, maxGiB: number): string =>
  `The allocated storage of ${allocatedGiB} GiB comes near the maximum storage threshold of ${maxGiB} GiB: raise MaxAllocatedStorage.`
