/** A log in memory, for tests of the feed: one member whose points move when the test says so. */
import { assert } from '#base/assert.ts'
import { endOfEpoch, epochAt } from '../../src/volume/history.ts'
import type { LogSource } from '../../src/volume/postgres/log-source.ts'
import type { Epoch, History, Position } from '#wire/quorum/messages.ts'

interface Piece {
  readonly start: Position
  readonly bytes: Buffer
}

export class HeldLog implements LogSource {
  systemId: string
  /** Everything before is shown to all. */
  durable: Position
  /** While true, whatever is appended is durable. */
  isDurableAtOnce = true
  end: Position
  private begin: Position
  private epochs: { readonly epoch: Epoch; readonly start: Position }[]
  private readonly pieces: Piece[] = []
  private released: { readonly reader: string; readonly position: Position } | undefined
  private readonly watchers = new Set<() => void>()

  constructor(start: Position, { epoch = 1, systemId = '7000000000000000001' } = {}) {
    this.begin = this.durable = this.end = start
    this.epochs = [{ epoch, start }]
    this.systemId = systemId
  }

  get watched(): number {
    return this.watchers.size
  }

  history(): History {
    return this.epochs
  }

  first(): Position {
    return this.begin
  }

  shown(reader: string): Position {
    const { released } = this
    return Math.min(this.end, Math.max(this.durable, released?.reader === reader ? released.position : 0))
  }

  read(position: Position, bytesMax: number): { epoch: Epoch; bytes: Buffer } {
    const epoch = epochAt(this.epochs, position)
    const piece = this.pieces[this.pieceAt(position)]
    assert(epoch !== undefined && piece && position < this.end, 'what is read is there')
    const from = position - piece.start
    const until = Math.min(endOfEpoch(this.epochs, epoch), this.end) - piece.start
    return { epoch, bytes: piece.bytes.subarray(from, Math.min(until, from + bytesMax)) }
  }

  watch(changed: () => void): () => void {
    this.watchers.add(changed)
    return () => this.watchers.delete(changed)
  }

  append(bytes: Buffer): void {
    if (bytes.length > 0) this.pieces.push({ start: this.end, bytes })
    this.end += bytes.length
    if (this.isDurableAtOnce) this.durable = this.end
    this.tell()
  }

  show(position: Position): void {
    this.durable = position
    this.tell()
  }

  release(reader: string, position: Position): void {
    this.released = { reader, position }
    this.tell()
  }

  /** Another epoch begins: what was beyond is cut off, epochs with it. */
  adopt(epoch: Epoch, start: Position): void {
    this.epochs = [...this.epochs.filter((earlier) => earlier.start < start), { epoch, start }]
    this.cut(start)
    this.released = undefined
    this.tell()
  }

  /** Log below is not kept any more. */
  forget(before: Position): void {
    this.begin = before
    this.tell()
  }

  private cut(end: Position): void {
    while ((this.pieces.at(-1)?.start ?? -1) >= end) this.pieces.pop()
    this.end = Math.min(this.end, end)
    this.durable = Math.min(this.durable, end)
    const last = this.pieces.pop()
    if (last) this.pieces.push({ start: last.start, bytes: last.bytes.subarray(0, end - last.start) })
  }

  private tell(): void {
    for (const changed of this.watchers) changed()
  }

  /** Of the last piece that begins at or before it. */
  private pieceAt(position: Position): number {
    let [low, high] = [0, this.pieces.length - 1]
    while (low < high) {
      const middle = Math.ceil((low + high) / 2)
      if (this.pieces[middle]!.start <= position) low = middle
      else high = middle - 1
    }
    return low
  }
}
