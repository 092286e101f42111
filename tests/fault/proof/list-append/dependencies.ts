/**
 * Which transaction must come before which, as the lists show it.
 *
 *     ww  a's append is the one right before b's          wr  b's list ends with a's append
 *     rw  b's append is the one right after what a read   rt  a had ended when b began (where asked for)
 */
import { externalReads, type Observations } from './observations.ts'
import type { Transaction } from './transaction.ts'

export type DependencyKind = 'ww' | 'wr' | 'rw' | 'rt'

export interface Dependency {
  readonly from: number
  readonly to: number
  readonly kind: DependencyKind
  /** What it is about; empty for `rt`. */
  readonly key: string
}

/** Dependencies by the transaction they start from. */
export type Graph = readonly (readonly Dependency[])[]

export function dependencies({ committed, orders, writerOf }: Observations, options: { realtime: boolean }): Graph {
  const graph: Dependency[][] = committed.map(() => [])
  const indexOf = new Map(committed.map((transaction, index) => [transaction, index]))
  const writer = (key: string, value: number | undefined): number | undefined => {
    const transaction = value === undefined ? undefined : writerOf(key, value)
    return transaction && indexOf.get(transaction)
  }
  const add = (from: number | undefined, to: number | undefined, kind: DependencyKind, key: string): void => {
    if (from !== undefined && to !== undefined && from !== to) graph[from]!.push({ from, to, kind, key })
  }
  for (const [key, order] of orders)
    for (let n = 1; n < order.length; n++) add(writer(key, order[n - 1]), writer(key, order[n]), 'ww', key)
  for (const [index, transaction] of committed.entries()) {
    if (transaction.outcome !== 'ok') continue
    for (const [key, list] of externalReads(transaction)) {
      const order = orders.get(key)
      if (!order) continue
      add(writer(key, list.at(-1)), index, 'wr', key)
      add(index, writer(key, order[list.length]), 'rw', key)
    }
  }
  if (options.realtime) for (const [from, to] of realtime(committed)) add(from, to, 'rt', '')
  return graph
}

/** Pairs that say all that the order in time says, without those that follow from two others. */
function* realtime(transactions: readonly Transaction[]): Generator<[number, number]> {
  const moments = transactions
    .flatMap(({ began, ended, outcome }, index) => [
      { at: began, index, isEnd: false },
      // When an unknown one took place, nobody can say: perhaps long after its client had given up.
      ...(outcome === 'ok' ? [{ at: ended, index, isEnd: true }] : []),
    ])
    .sort((a, b) => a.at - b.at)
  let last: number[] = []
  for (const { index, isEnd } of moments)
    if (isEnd) last = [...last.filter((one) => transactions[one]!.ended > transactions[index]!.began), index]
    else for (const one of last) yield [one, index]
}
