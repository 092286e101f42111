import type { ReplicationObstacle } from '#wire/agent/replication.ts'
import type { Control } from '../control.ts'
import type { DbInstanceRecord } from '../db-instance/record.ts'

export interface SeenReplica {
  /** Undefined while nobody can tell: its agent is away, or its engine is starting. */
  readonly isStreaming: boolean | undefined
  readonly obstacle: ReplicationObstacle | undefined
}

/** What a replica's agent last saw of its replication. */
export function seenOf(control: Pick<Control, 'hosts'>, record: DbInstanceRecord): SeenReplica {
  const observed = control.hosts.observed(record.zone, record.resourceId)
  const replication = observed?.replication
  // An engine that has ended receives nothing.
  if (replication?.role !== 'standby')
    return { isStreaming: observed && !observed.accepting ? false : undefined, obstacle: undefined }
  return { isStreaming: replication.isStreaming, obstacle: replication.obstacle }
}
