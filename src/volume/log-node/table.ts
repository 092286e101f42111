import type { MemberId } from '#wire/quorum/messages.ts'

/** What a log node keeps: JSON by key. Durable when a promise resolves. */
export interface LogNodeTable {
  all(): Promise<ReadonlyMap<string, unknown>>
  put(key: string, value: unknown): Promise<void>
  delete(key: string): Promise<void>
}

export type MemberRecord = {
  readonly volume: string
  readonly member: MemberId
} & (
  | { readonly state: 'creating' }
  | { readonly state: 'there' }
  | { readonly state: 'failed'; readonly reason: string }
)
