/** The commands of a physical replication connection. */
// PostgreSQL 18 manual, 54.4; PostgreSQL source: src/backend/replication/repl_gram.y.
import { parseLsn } from './lsn.ts'

export type ReplicationCommand =
  | { readonly type: 'identify-system' }
  | { readonly type: 'show'; readonly name: string }
  | { readonly type: 'timeline-history'; readonly timeline: number }
  | {
      readonly type: 'start-replication'
      readonly start: number
      /** Undefined: the newest one. */
      readonly timeline: number | undefined
      readonly slot: string | undefined
    }
  | { readonly type: 'empty' }
  /** Anything else: SQL, slots, base backups, logical replication. */
  | { readonly type: 'other' }

const TIMELINE_MAX = 0xffff_ffff

const START =
  /^START_REPLICATION(?:\s+SLOT\s+(?:"([a-z0-9_]{1,63})"|([a-z0-9_]{1,63})))?(?:\s+PHYSICAL)?\s+([0-9A-F]{1,8}\/[0-9A-F]{1,8})(?:\s+TIMELINE\s+(\d{1,10}))?$/i

/** Of what a client sends in one query. */
export function parseReplicationCommand(query: string): ReplicationCommand {
  const command = query.replace(/;\s*$/, '').trim()
  if (command === '') return { type: 'empty' }
  if (/^IDENTIFY_SYSTEM$/i.test(command)) return { type: 'identify-system' }
  const show = /^SHOW\s+([a-z_][a-z0-9_.]*)$/i.exec(command)
  if (show) return { type: 'show', name: show[1]!.toLowerCase() }
  const history = /^TIMELINE_HISTORY\s+(\d{1,10})$/i.exec(command)
  if (history) return timelined(history[1]!, (timeline) => ({ type: 'timeline-history', timeline }))
  const start = START.exec(command)
  if (!start) return { type: 'other' }
  const place = { type: 'start-replication', start: Number(parseLsn(start[3]!)), slot: start[1] ?? start[2] } as const
  if (!Number.isSafeInteger(place.start)) return { type: 'other' }
  return start[4] === undefined
    ? { ...place, timeline: undefined }
    : timelined(start[4], (timeline) => ({ ...place, timeline }))
}

function timelined(digits: string, command: (timeline: number) => ReplicationCommand): ReplicationCommand {
  const timeline = Number(digits)
  return timeline >= 1 && timeline <= TIMELINE_MAX ? command(timeline) : { type: 'other' }
}
