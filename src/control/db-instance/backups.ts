import type { Mutation } from '#store/collection.ts'
import type { Control } from '../control.ts'
import { keyOf, timerSubjectOf, type DbInstanceRecord } from './record.ts'

/** Writes that start the timer of automated backups, in the place of the one there may be, with the record's settings. */
export async function scheduleBackups(control: Pick<Control, 'flows'>, record: DbInstanceRecord): Promise<Mutation> {
  const key = keyOf(record)
  const { writes } = await control.flows.supersede('back-up-db-instance', timerSubjectOf(key, 'backup'), { key })
  return writes
}
