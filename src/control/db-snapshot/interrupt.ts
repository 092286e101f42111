import { together, type Mutation } from '#store/collection.ts'
import type { Control } from '../control.ts'
import type { DbInstanceRecord } from '../db-instance/record.ts'
import { dbSnapshots } from './record.ts'

/** Deletion interrupts a snapshot that is being taken: its record says so instead of staying `creating` for ever. */
export async function failUnfinishedSnapshots(control: Control, instance: DbInstanceRecord): Promise<Mutation> {
  const snapshots = dbSnapshots(control, instance)
  const unfinished = (await snapshots.list()).filter(
    ({ value }) => value.status === 'creating' && value.instance.resourceId === instance.resourceId,
  )
  return together(
    ...unfinished.map((held) =>
      snapshots.update(held, { ...held.value, status: 'failed', complaint: 'The DB instance was deleted meanwhile.' }),
    ),
  )
}
