/** The part of the writer's log that a head has in memory: what members may still need, and where records end in it. */
import { assert } from '#base/assert.ts'
import type { Position } from '#wire/quorum/messages.ts'

interface Chunk {
  readonly start: Position
  readonly bytes: Buffer
}

interface Mark {
  /** The end of a chunk. */
  readonly end: Position
  /** Where the last record ends that is whole before that. */
  readonly boundary: Position
}

export class Window {
  private chunks: Chunk[] = []
  private marks: Mark[] = []
  private endAt: Position

  constructor(start: Position) {
    this.endAt = start
  }

  get start(): Position {
    return this.chunks[0]?.start ?? this.endAt
  }

  get end(): Position {
    return this.endAt
  }

  /** What of these bytes is new: a writer's log may be read again from an earlier position. Undefined: nothing. */
  push(position: Position, bytes: Buffer, boundary: Position): Buffer | undefined {
    assert(position <= this.endAt, 'the log is read without a gap')
    const fresh = bytes.subarray(this.endAt - position)
    if (fresh.length === 0) return undefined
    this.chunks.push({ start: this.endAt, bytes: fresh })
    this.endAt += fresh.length
    this.marks.push({ end: this.endAt, boundary })
    return fresh
  }

  /** Bytes from `position` on, as they came: at most `bytesMax`, at least one chunk's rest. */
  from(position: Position, bytesMax: number): Buffer | undefined {
    const at = this.indexOf(position)
    if (at < 0) return undefined
    const pieces: Buffer[] = []
    let count = 0
    for (let next = at; next < this.chunks.length && count < bytesMax; next++) {
      const { start, bytes } = this.chunks[next]!
      pieces.push(next === at ? bytes.subarray(position - start) : bytes)
      count += pieces.at(-1)!.length
    }
    return pieces.length === 1 ? pieces[0] : Buffer.concat(pieces)
  }

  /** Where the last record ends that is whole before `end`, as far as chunks tell; undefined: nothing new since the last question. */
  boundaryBefore(end: Position): Position | undefined {
    let passed = 0
    while (passed < this.marks.length && this.marks[passed]!.end <= end) passed++
    const boundary = this.marks[passed - 1]?.boundary
    if (passed > 0) this.marks = this.marks.slice(passed)
    return boundary
  }

  /** Nobody needs what is before. */
  trim(before: Position): void {
    let gone = 0
    while (gone < this.chunks.length && this.chunks[gone]!.start + this.chunks[gone]!.bytes.length <= before) gone++
    if (gone > 0) this.chunks = this.chunks.slice(gone)
  }

  private indexOf(position: Position): number {
    let [low, high] = [0, this.chunks.length - 1]
    if (high < 0 || position < this.chunks[0]!.start || position >= this.endAt) return -1
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if (this.chunks[middle]!.start <= position) low = middle
      else high = middle - 1
    }
    return low
  }
}
