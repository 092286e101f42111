import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { components, shortestPath } from './cycles.ts'

const NODES = 7
const graphs = fc.array(fc.tuple(fc.nat(NODES - 1), fc.nat(NODES - 1)), { maxLength: 14 })
const successorsIn =
  (edges: readonly (readonly [number, number])[]) =>
  (node: number): number[] =>
    edges.filter(([from, to]) => from === node && to !== node).map(([, to]) => to)

/** Length of the shortest way between all pairs, by trying every node in between. */
function distances(edges: readonly (readonly [number, number])[]): number[][] {
  const length = Array.from({ length: NODES }, (_, a) =>
    Array.from({ length: NODES }, (_, b) => (a === b ? 0 : Infinity)),
  )
  for (const [from, to] of edges) if (from !== to) length[from]![to] = 1
  for (let k = 0; k < NODES; k++)
    for (const row of length) for (let b = 0; b < NODES; b++) row[b] = Math.min(row[b]!, row[k]! + length[k]![b]!)
  return length
}

test('components are the sets of nodes that reach each other', () => {
  fc.assert(
    fc.property(graphs, (edges) => {
      const length = distances(edges)
      const expected = new Set<string>()
      for (let a = 0; a < NODES; a++) {
        const mates = length.keys().filter((b) => length[a]![b]! < Infinity && length[b]![a]! < Infinity)
        const names = [...mates]
        if (names.length > 1) expected.add(names.join(' '))
      }
      const found = components(NODES, successorsIn(edges)).map((one) => one.sort((a, b) => a - b).join(' '))
      assert.deepEqual(new Set(found), expected)
    }),
  )
})

test('a path is a way along the edges, and none is shorter', () => {
  fc.assert(
    fc.property(graphs, fc.nat(NODES - 1), fc.nat(NODES - 1), (edges, from, to) => {
      const path = shortestPath(from, to, successorsIn(edges))
      assert.equal(path ? path.length - 1 : Infinity, distances(edges)[from]![to])
      for (const [n, node] of (path ?? []).slice(1).entries()) assert.ok(successorsIn(edges)(path![n]!).includes(node))
    }),
  )
})

test('a chain of a hundred thousand nodes does not end at the depth of the stack', () => {
  const last = 100_000
  const ring = (node: number): number[] => [node === last ? 0 : node + 1]
  assert.equal(components(last + 1, ring)[0]!.length, last + 1)
})
