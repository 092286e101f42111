/**
 * Judges writes that engines acknowledged to whoever asked them, through the endpoint or past it: at no moment did two of
 * them take writes. PostgreSQL begins a new timeline whenever a standby becomes a primary, so an acknowledged write names
 * the primary that took it by its timeline. Three things contradict that there was one at a time:
 *
 *   time ──────────────────────────────►
 *   timeline 2   ├─ ok ─┤                         late: asked for after a later primary had
 *   timeline 1              ├─ ok ─┤              acknowledged something, and acknowledged all the same
 *   timeline 2, two ports                         shared: two engines became primary out of the same past
 *   acknowledged, and not there in the end        lost: it was acknowledged by one that did not count
 *
 * A write that was asked for before the later primary's answer and acknowledged after it is no contradiction: its answer
 * may have been on the way.
 */
import type { Operation } from './history.ts'

export interface Claim {
  readonly value: number
  /** What the engine said of itself in the transaction that wrote; undefined where it never came to that. */
  readonly by: Writer | undefined
}

export interface Writer {
  readonly timeline: number
  readonly port: number
}

export interface WriterVerdict {
  readonly late: readonly number[]
  readonly shared: readonly number[]
  readonly lost: readonly number[]
  /** Timelines on which something was acknowledged. */
  readonly timelines: number
}

export function checkWriters(operations: readonly Operation<Claim>[], final: readonly number[]): WriterVerdict {
  const there = new Set(final)
  const acknowledged = operations.flatMap(({ outcome, value: { value, by }, began, ended }) =>
    outcome === 'ok' && by ? [{ value, by, began, ended }] : [],
  )
  const ports = new Map<number, Set<number>>()
  for (const { by } of acknowledged) ports.set(by.timeline, (ports.get(by.timeline) ?? new Set()).add(by.port))
  return {
    late: lateOf(acknowledged),
    shared: [...ports].flatMap(([timeline, { size }]) => (size > 1 ? [timeline] : [])),
    lost: acknowledged.flatMap(({ value }) => (there.has(value) ? [] : [value])),
    timelines: ports.size,
  }
}

interface Acknowledged {
  readonly value: number
  readonly by: Writer
  readonly began: number
  readonly ended: number
}

/** In the order in which they began, beside the latest timeline of all that had ended by then. */
function lateOf(acknowledged: readonly Acknowledged[]): number[] {
  const ends = acknowledged.toSorted((a, b) => a.ended - b.ended)
  let [next, latest] = [0, 0]
  return acknowledged
    .toSorted((a, b) => a.began - b.began)
    .flatMap(({ value, by, began }) => {
      for (; next < ends.length && ends[next]!.ended < began; next++) latest = Math.max(latest, ends[next]!.by.timeline)
      return by.timeline < latest ? [value] : []
    })
}

/** What is wrong, for a person; empty when nothing is. */
export const writerComplaints = (verdict: WriterVerdict): string[] =>
  (['late', 'shared', 'lost'] as const).flatMap((name) =>
    verdict[name].length > 0 ? [`one writer: ${name}: ${verdict[name].slice(0, 20).join(', ')}`] : [],
  )
