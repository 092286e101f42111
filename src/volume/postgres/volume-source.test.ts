import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Epoch, History, Position } from '#wire/quorum/messages.ts'
import { VolumeSource } from './volume-source.ts'

const OLD: History = [{ epoch: 1, start: 10 }]
const NEW: History = [...OLD, { epoch: 3, start: 14 }]

class Copy {
  released: Position = 0
  readonly name: string
  history: History
  first: Position
  durable: Position
  end: Position

  constructor(name: string, { history = OLD, first = 10, durable = 12, end = 14 } = {}) {
    this.name = name
    this.history = history
    this.first = first
    this.durable = durable
    this.end = end
  }

  shownTo(reader: string): Position {
    return Math.min(this.end, reader === 'next' ? Math.max(this.durable, this.released) : this.durable)
  }

  read(position: Position): { readonly epoch: Epoch; readonly bytes: Buffer } | undefined {
    return position < this.first || position >= this.end ? undefined : { epoch: 1, bytes: Buffer.from(this.name) }
  }
}

function sourceOf(...copies: readonly Copy[]): VolumeSource {
  const source = new VolumeSource('7')
  for (const copy of copies) source.add(copy)
  return source
}

const readAt = (source: VolumeSource, position: Position): string => source.read(position, 9).bytes.toString()

test('a volume is what the furthest of its members shows', () => {
  const source = sourceOf(new Copy('a', { first: 11 }), new Copy('b', { durable: 13 }))
  assert.deepEqual([source.systemId, source.history(), source.first(), source.shown('any')], ['7', OLD, 10, 13])
  assert.equal(readAt(source, 12), 'b')
})

test('what one member does not give another does', () => {
  const source = sourceOf(new Copy('a', { first: 12, durable: 14 }), new Copy('b'))
  assert.equal(readAt(source, 13), 'a')
  assert.equal(readAt(source, 11), 'b')
  assert.throws(() => source.read(14, 9))
})

test('the released reader has what any of them has', () => {
  const [lacking, whole] = [new Copy('a', { durable: 12, end: 12 }), new Copy('b')]
  const source = sourceOf(lacking, whole)
  lacking.released = whole.released = 14
  assert.deepEqual([source.shown('next'), source.shown('any')], [14, 12])
  assert.equal(readAt(source, 13), 'b')
})

test('a member of another history than the furthest one counts for nothing', () => {
  // It has more, of an epoch that came to nothing.
  const stale = new Copy('a', { durable: 14, end: 20 })
  const source = sourceOf(stale, new Copy('b', { history: NEW, durable: 16, end: 16 }))
  stale.released = 20
  assert.deepEqual([source.history(), source.shown('next')], [NEW, 16])
  assert.equal(readAt(source, 15), 'b')
})

test('whoever watches is told of everything, until it does not any more', () => {
  const [source, copy] = [new VolumeSource('7'), new Copy('a')]
  let told = 0
  const stop = source.watch(() => told++)
  source.add(copy)
  source.advanced()
  source.remove(copy)
  assert.deepEqual([told, source.isEmpty, source.history(), source.shown('any')], [3, true, [], 0])
  stop()
  source.advanced()
  assert.equal(told, 3)
})
