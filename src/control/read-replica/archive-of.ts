import type { Control } from '../control.ts'
import { findByKey, type DbInstanceRecord } from '../db-instance/record.ts'
import { archivePrefix } from '../db-instance/spec.ts'
import { seenOf } from './observed.ts'

/**
 * Where in the archive the log is that replicas of this instance follow; undefined where it is not archived. A replica
 * archives nothing: what it has is its own source's log. Until it follows that, it may be on an older timeline than the
 * archive leads to.
 */
export async function archiveOf(
  control: Pick<Control, 'hosts' | 'store'>,
  source: DbInstanceRecord,
): Promise<string | undefined> {
  if (!source.replica) return source.settings.BackupRetentionPeriod > 0 ? archivePrefix(source) : undefined
  if (!seenOf(control, source).isStreaming) return undefined
  const above = await findByKey(control, source.replica.source)
  return above && archiveOf(control, above.value)
}
