/** Cycles in directed graphs, in time that grows with their edges. Nodes are numbers from 0. */

type Successors = (node: number) => Iterable<number>

/**
 * The strongly connected components of more than one node: every cycle lies in one of them. Tarjan's algorithm,
 * without recursion, so that long chains do not end at the depth of the stack.
 */
export function components(nodes: number, successors: Successors): number[][] {
  const index = new Int32Array(nodes).fill(-1)
  const low = new Int32Array(nodes)
  const onStack = new Uint8Array(nodes)
  const stack: number[] = []
  const found: number[][] = []
  let next = 0
  for (let root = 0; root < nodes; root++) {
    if (index[root] !== -1) continue
    const path: { node: number; rest: Iterator<number> }[] = []
    const enter = (node: number): void => {
      index[node] = low[node] = next++
      stack.push(node)
      onStack[node] = 1
      path.push({ node, rest: successors(node)[Symbol.iterator]() })
    }
    enter(root)
    while (path.length > 0) {
      const { node, rest } = path.at(-1)!
      const step = rest.next()
      if (!step.done) {
        if (index[step.value] === -1) enter(step.value)
        else if (onStack[step.value]) low[node] = Math.min(low[node]!, index[step.value]!)
        continue
      }
      path.pop()
      const parent = path.at(-1)
      if (parent) low[parent.node] = Math.min(low[parent.node]!, low[node]!)
      if (low[node] !== index[node]) continue
      const component: number[] = []
      for (let member = -1; member !== node;) {
        member = stack.pop()!
        onStack[member] = 0
        component.push(member)
      }
      if (component.length > 1) found.push(component)
    }
  }
  return found
}

/** A shortest way, both ends included; undefined where there is none. */
export function shortestPath(from: number, to: number, successors: Successors): number[] | undefined {
  const cameFrom = new Map<number, number>([[from, from]])
  let front = [from]
  while (front.length > 0) {
    const next: number[] = []
    for (const node of front) {
      if (node === to) return pathTo(node, cameFrom)
      for (const other of successors(node))
        if (!cameFrom.has(other)) {
          cameFrom.set(other, node)
          next.push(other)
        }
    }
    front = next
  }
  return undefined
}

function pathTo(end: number, cameFrom: ReadonlyMap<number, number>): number[] {
  const path = [end]
  for (let node = end; cameFrom.get(node) !== node;) {
    node = cameFrom.get(node)!
    path.push(node)
  }
  return path.reverse()
}
