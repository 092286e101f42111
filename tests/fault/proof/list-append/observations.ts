/** What the lists that were read say by themselves, before any cycle is looked for. */
import { describeTransaction, type Anomaly, type AnomalyName, type Transaction } from './transaction.ts'

export interface Observations {
  readonly anomalies: readonly Anomaly[]
  /** Transactions that took place: `ok` ones, and unknown ones of which something was seen. */
  readonly committed: readonly Transaction[]
  /** The order of appends by key, as far as it was seen. Keys whose lists do not fit together are left out. */
  readonly orders: ReadonlyMap<string, readonly number[]>
  /** Who appended a value. */
  writerOf(key: string, value: number): Transaction | undefined
}

/** `key` and `value` as one key of a map. */
const place = (key: string, value: number): string => `${value} ${key}`

/** `final`: the lists after everything, read when nothing ran any more. */
export function observe(
  transactions: readonly Transaction[],
  final: ReadonlyMap<string, readonly number[]> | undefined,
): Observations {
  const anomalies: Anomaly[] = []
  const report = (name: AnomalyName, detail: string): void => void anomalies.push({ name, detail })
  const writers = new Map<string, Transaction>()
  for (const transaction of transactions)
    for (const op of transaction.value)
      if (op.f === 'append') {
        if (writers.has(place(op.key, op.value))) throw new Error(`${op.value} is appended to ${op.key} twice`)
        writers.set(place(op.key, op.value), transaction)
      }
  const writerOf = (key: string, value: number): Transaction | undefined => writers.get(place(key, value))
  const reads = readsOf(transactions, final)
  for (const [key, lists] of reads) for (const { list, by } of lists) checkList({ key, list, by }, writerOf, report)
  for (const transaction of transactions) if (transaction.outcome === 'ok') checkInternal(transaction, report)
  const orders = new Map<string, readonly number[]>()
  for (const [key, lists] of reads) {
    const order = orderOf(lists.map(({ list }) => list))
    if (order.fits) orders.set(key, order.longest)
    else
      report('incompatible-order', `key ${key} was read as [${order.one.join(' ')}] and as [${order.other.join(' ')}]`)
  }
  const seen = new Set<Transaction>()
  for (const [key, lists] of reads)
    for (const { list } of lists)
      for (const value of list) {
        const writer = writerOf(key, value)
        if (writer?.outcome === 'unknown') seen.add(writer)
      }
  const committed = transactions.filter((one) => one.outcome === 'ok' || seen.has(one))
  if (final) for (const one of committed) checkFinal(one, final, report)
  return { anomalies, committed, orders, writerOf }
}

type Report = (name: AnomalyName, detail: string) => void

interface SeenList {
  readonly list: readonly number[]
  /** Undefined: the final state. */
  readonly by: Transaction | undefined
}

function readsOf(
  transactions: readonly Transaction[],
  final: ReadonlyMap<string, readonly number[]> | undefined,
): Map<string, SeenList[]> {
  const reads = new Map<string, SeenList[]>()
  const add = (key: string, seen: SeenList): void => {
    const known = reads.get(key)
    if (known) known.push(seen)
    else reads.set(key, [seen])
  }
  for (const by of transactions)
    if (by.outcome === 'ok')
      for (const op of by.value) if (op.f === 'read' && op.list) add(op.key, { list: op.list, by })
  for (const [key, list] of final ?? []) add(key, { list, by: undefined })
  return reads
}

function checkList(
  { key, list, by }: SeenList & { key: string },
  writerOf: Observations['writerOf'],
  report: Report,
): void {
  const reader = by ? describeTransaction(by) : `the final state of ${key}`
  if (new Set(list).size < list.length) report('duplicate-append', `${reader} has a value twice: [${list.join(' ')}]`)
  for (const value of list) {
    const writer = writerOf(key, value)
    if (!writer) report('unwritten', `${reader} has ${value} in ${key}, which nobody appended`)
    else if (writer.outcome === 'fail')
      report('G1a', `${reader} has ${value} of what failed, ${describeTransaction(writer)}`)
  }
  const last = list.at(-1)
  const writer = last === undefined ? undefined : writerOf(key, last)
  if (!writer || writer === by || last === undefined) return
  const appended = writer.value
    .filter((op) => op.f === 'append' && op.key === key)
    .map((op) => (op as { value: number }).value)
  if (appended.at(-1) !== last) report('G1b', `${reader} ends in the middle of ${describeTransaction(writer)}`)
}

/** The longest of the lists, if all others are beginnings of it. */
function orderOf(
  lists: readonly (readonly number[])[],
):
  | { readonly fits: true; readonly longest: readonly number[] }
  | { readonly fits: false; readonly one: readonly number[]; readonly other: readonly number[] } {
  const longest = lists.reduce((a, b) => (b.length > a.length ? b : a), [])
  const other = lists.find((list) => list.some((value, n) => longest[n] !== value))
  return other ? { fits: false, one: longest, other } : { fits: true, longest }
}

/** What a transaction saw of a key before it wrote to it: its first read, without its own appends. */
export function externalReads({ value }: Transaction): Map<string, readonly number[]> {
  const external = new Map<string, readonly number[]>()
  const own = new Map<string, number>()
  for (const op of value)
    if (op.f === 'append') own.set(op.key, (own.get(op.key) ?? 0) + 1)
    else if (op.list && !external.has(op.key))
      external.set(op.key, op.list.slice(0, Math.max(0, op.list.length - (own.get(op.key) ?? 0))))
  return external
}

function checkInternal(transaction: Transaction, report: Report): void {
  const known = new Map<string, number[]>()
  const own = new Map<string, number[]>()
  for (const op of transaction.value) {
    const state = known.get(op.key)
    if (op.f === 'append') {
      const to = state ?? own.get(op.key)
      if (to) to.push(op.value)
      else own.set(op.key, [op.value])
      continue
    }
    if (!op.list) continue
    const expected = state ?? own.get(op.key) ?? []
    const shown = state ? op.list : op.list.slice(op.list.length - expected.length)
    if (shown.length !== expected.length || shown.some((value, n) => expected[n] !== value))
      report('internal', `${describeTransaction(transaction)}: expected [${state ? '' : '… '}${expected.join(' ')}]`)
    known.set(op.key, [...op.list])
  }
}

function checkFinal(transaction: Transaction, final: ReadonlyMap<string, readonly number[]>, report: Report): void {
  for (const op of transaction.value)
    if (op.f === 'append' && !final.get(op.key)?.includes(op.value))
      report(
        transaction.outcome === 'ok' ? 'lost-append' : 'torn',
        `${op.value} is not in the final state of ${op.key}: ${describeTransaction(transaction)}`,
      )
}
