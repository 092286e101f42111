/** What archiving asks of the engine where the user's settings say nothing. */
import { majorOf } from '#catalog/postgres-versions.ts'
import { MIB, GIB } from '#base/bytes.ts'
import type { InstanceSpec } from '#wire/agent/messages.ts'

/** Part of the storage that log may take which is not archived yet; more of it is given up, and a base backup heals that. */
const UNARCHIVED_SHARE_MAX = 0.2

/** A standby that takes over still has what the archive lacks: the log of a second, unless the archive was away. */
const KEPT_BY_COPIES_MIB = 512

export function archiveDefaults(spec: InstanceSpec): Readonly<Record<string, string>> {
  // Before 13 the engine has no such limit: it keeps everything that is not archived.
  if (spec.archivePrefix === undefined || majorOf(spec.version) < 13) return {}
  const unarchived = Math.max(spec.capacity.storageBytes * UNARCHIVED_SHARE_MAX, GIB)
  return {
    max_slot_wal_keep_size: `${Math.floor(unarchived / MIB)}MB`,
    ...(spec.replication && { wal_keep_size: `${KEPT_BY_COPIES_MIB}MB` }),
  }
}
