/**
 * Judges a history of list transactions in the manner of Elle (Kingsbury and Alvaro, VLDB 2021): the lists tell the order
 * of writes, the order tells the dependencies, and every anomaly of isolation is a cycle of them.
 *
 * - `serializable`: no cycle. With `realtime`, the order in time counts as a dependency: strictly serializable.
 * - `snapshot-isolation`: every cycle has two reads of what was then overwritten (rw) in a row (Cerone and Gotsman, PODC
 *   2016). Anything else is an anomaly. What PostgreSQL's REPEATABLE READ promises.
 * - `reader-endpoint`: as snapshot isolation, but reading transactions may disagree about the order of two independent
 *   writes (a long fork): a cycle without two rw in a row is let pass if it has several rw, each of a transaction that
 *   only read. PostgreSQL shows commits on a standby in the order of the log, and on the primary in the order in which
 *   they became visible, which are not always the same.
 */
import { components, shortestPath } from './cycles.ts'
import { dependencies, type Dependency, type DependencyKind, type Graph } from './dependencies.ts'
import { observe } from './observations.ts'
import { describeTransaction, type Anomaly, type AnomalyName, type Transaction } from './transaction.ts'

export type Model = 'serializable' | 'snapshot-isolation' | 'reader-endpoint'

export interface Question {
  readonly model: Model
  /** Whether what ended must be seen by what begins later. */
  readonly realtime: boolean
  /** The lists after everything. Without them lost appends are not looked for. */
  readonly final?: ReadonlyMap<string, readonly number[]>
}

export interface Verdict {
  readonly anomalies: readonly Anomaly[]
  readonly transactions: number
  readonly dependencies: number
  /** Long forks that the model lets pass. */
  readonly longForks: number
}

export function checkLists(transactions: readonly Transaction[], question: Question): Verdict {
  const observations = observe(transactions, question.final)
  const graph = dependencies(observations, { realtime: question.realtime })
  const search = new Search(graph, observations.committed, question.model)
  search.run()
  return {
    anomalies: [...observations.anomalies, ...search.anomalies],
    transactions: observations.committed.length,
    dependencies: graph.reduce((sum, from) => sum + from.length, 0),
    longForks: search.longForks,
  }
}

/** Of all ways through a component, at most this many are tried: one of each kind is all that anybody wants to read. */
const TRIES_MAX = 500

/** What one transaction knew of another before it wrote: anything but rw. */
const isInformation = ({ kind }: Dependency): boolean => kind !== 'rw'

class Search {
  readonly anomalies: Anomaly[] = []
  longForks = 0
  private readonly graph: Graph
  private readonly transactions: readonly Transaction[]
  private readonly model: Model

  constructor(graph: Graph, transactions: readonly Transaction[], model: Model) {
    this.graph = graph
    this.transactions = transactions
    this.model = model
  }

  run(): void {
    this.cyclesOfInformation((kind) => kind === 'ww')
    this.cyclesOfInformation((kind) => kind === 'ww' || kind === 'wr')
    this.cyclesOfInformation((kind) => kind !== 'rw')
    const spoken = this.cyclesWithoutNeighbours()
    if (this.model === 'serializable') this.otherCycles(spoken)
  }

  /** G0, G1c: cycles of dependencies that are no rw. Each look reports those that an earlier one could not see. */
  private cyclesOfInformation(counts: (kind: DependencyKind) => boolean): void {
    const successors = this.along((dependency) => counts(dependency.kind))
    for (const component of components(this.graph.length, successors)) {
      const inside = new Set(component)
      const isNew = (kind: DependencyKind): boolean =>
        counts(kind) && (counts('rt') ? kind === 'rt' : counts('wr') ? kind === 'wr' : true)
      const edge = this.edgesIn(inside).find(({ kind }) => isNew(kind))
      if (edge) this.report(this.closed(edge, within(inside, successors)))
    }
  }

  /**
   * G-single and its kin: no two rw in a row. In a graph of states (transaction, whether one came to it by rw), which
   * leaves a transaction that was come to by rw only by something else, they are the cycles. Returns the transactions
   * that were found in one.
   */
  private cyclesWithoutNeighbours(): Set<number> {
    const states = (state: number): number[] => {
      const cameByRw = state % 2 === 1
      return this.graph[state >> 1]!.filter(({ kind }) => !(cameByRw && kind === 'rw')).map(
        ({ to, kind }) => to * 2 + (kind === 'rw' ? 1 : 0),
      )
    }
    const spoken = new Set<number>()
    for (const component of components(this.graph.length * 2, states)) {
      const inside = new Set(component)
      const nodes = new Set(component.map((state) => state >> 1))
      const readOvers = this.edgesIn(nodes).filter(
        ({ from, to, kind }) => kind === 'rw' && inside.has(from * 2) && inside.has(to * 2 + 1),
      )
      for (const node of nodes) spoken.add(node)
      if (readOvers.length === 0) continue
      if (this.single(readOvers, nodes)) continue
      this.nonadjacent(readOvers, within(inside, states))
    }
    return spoken
  }

  private single(readOvers: readonly Dependency[], nodes: ReadonlySet<number>): boolean {
    const information = within(nodes, this.along(isInformation))
    for (const edge of readOvers.slice(0, TRIES_MAX)) {
      const cycle = this.closed(edge, information)
      if (!cycle) continue
      this.report(cycle)
      return true
    }
    return false
  }

  private nonadjacent(readOvers: readonly Dependency[], states: (state: number) => number[]): void {
    let forked = false
    for (const edge of readOvers.slice(0, TRIES_MAX)) {
      const path = shortestPath(edge.to * 2 + 1, edge.from * 2, states)?.map((state) => state >> 1)
      // A way that comes by a transaction twice may be two cycles, each with two rw in a row.
      if (!path || new Set(path).size < path.length) continue
      const cycle = this.edgesAlong([...path, path[0]!], edge)
      if (this.isLongFork(cycle)) forked = true
      else return this.report(cycle)
    }
    if (forked) this.longForks++
  }

  private isLongFork(cycle: readonly Dependency[]): boolean {
    if (this.model !== 'reader-endpoint') return false
    const readers = cycle.filter(({ kind }) => kind === 'rw').map(({ from }) => this.transactions[from]!)
    return readers.length > 1 && readers.every(({ value }) => value.every(({ f }) => f === 'read'))
  }

  /** G2: what is left. */
  private otherCycles(spoken: ReadonlySet<number>): void {
    const successors = this.along(() => true)
    for (const component of components(this.graph.length, successors)) {
      if (component.some((node) => spoken.has(node))) continue
      const inside = new Set(component)
      const edge = this.edgesIn(inside).find(({ kind }) => kind === 'rw')
      if (edge) this.report(this.closed(edge, within(inside, successors)))
    }
  }

  private along(counts: (dependency: Dependency) => boolean): (node: number) => number[] {
    return (node) => this.graph[node]!.filter(counts).map(({ to }) => to)
  }

  private edgesIn(nodes: ReadonlySet<number>): Dependency[] {
    return [...nodes].flatMap((node) => this.graph[node]!.filter(({ to }) => nodes.has(to)))
  }

  /** The shortest cycle that this dependency closes. */
  private closed(edge: Dependency, successors: (node: number) => number[]): Dependency[] | undefined {
    const path = shortestPath(edge.to, edge.from, successors)
    return path && this.edgesAlong([...path, path[0]!], edge)
  }

  /** The dependencies of a way whose last step is `closing`; of several between two, one that says more than an rw. */
  private edgesAlong(path: readonly number[], closing: Dependency): Dependency[] {
    const weight: Record<DependencyKind, number> = { ww: 0, wr: 1, rt: 2, rw: 3 }
    const steps = path.slice(1, -1).map((to, n) => {
      const between = this.graph[path[n]!]!.filter((edge) => edge.to === to)
      return between.sort((a, b) => weight[a.kind] - weight[b.kind])[0]!
    })
    return [...steps, closing]
  }

  private report(cycle: readonly Dependency[] | undefined): void {
    if (!cycle) return
    const steps = cycle.map(
      ({ from, kind, key }) => `  ${describeTransaction(this.transactions[from]!)}\n    ${kind} ${key}`,
    )
    this.anomalies.push({ name: nameOf(cycle), detail: `\n${steps.join('\n')} back to the first` })
  }
}

const within =
  (inside: ReadonlySet<number>, successors: (node: number) => number[]) =>
  (node: number): number[] =>
    successors(node).filter((other) => inside.has(other))

function nameOf(cycle: readonly Dependency[]): AnomalyName {
  const kinds = cycle.map(({ kind }) => kind)
  const rws = kinds.filter((kind) => kind === 'rw').length
  const hasNeighbours = kinds.some((kind, n) => kind === 'rw' && kinds[(n + 1) % kinds.length] === 'rw')
  const name =
    rws === 0 ? (kinds.includes('wr') ? 'G1c' : 'G0') : rws === 1 ? 'G-single' : hasNeighbours ? 'G2' : 'G-nonadjacent'
  return kinds.includes('rt') ? `${name}-realtime` : name
}
