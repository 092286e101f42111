/**
 * Things that fall due at a time, in a binary heap that knows where each stands: one that is woken early leaves, so
 * that the heap never holds more than what sleeps now.
 */
export class DueQueue<T> {
  private readonly heap: { readonly item: T; readonly at: number }[] = []
  private readonly places = new Map<T, number>()

  /** Replaces the item's time if it has one. */
  set(item: T, at: number): void {
    this.delete(item)
    this.heap.push({ item, at })
    this.places.set(item, this.heap.length - 1)
    this.rise(this.heap.length - 1)
  }

  delete(item: T): void {
    const place = this.places.get(item)
    if (place === undefined) return
    this.places.delete(item)
    const last = this.heap.pop()!
    if (place === this.heap.length) return
    this.heap[place] = last
    this.places.set(last.item, place)
    this.rise(place)
    this.sink(place)
  }

  get earliest(): number | undefined {
    return this.heap[0]?.at
  }

  /** Removes and returns everything due at `now`, earliest first. */
  take(now: number): T[] {
    const due: T[] = []
    while (this.heap[0] && this.heap[0].at <= now) {
      due.push(this.heap[0].item)
      this.delete(this.heap[0].item)
    }
    return due
  }

  clear(): void {
    this.heap.length = 0
    this.places.clear()
  }

  private rise(from: number): void {
    for (let place = from; place > 0;) {
      const parent = (place - 1) >> 1
      if (this.heap[parent]!.at <= this.heap[place]!.at) return
      this.swap(place, parent)
      place = parent
    }
  }

  private sink(from: number): void {
    for (let place = from; ;) {
      const [left, right] = [2 * place + 1, 2 * place + 2]
      let least = place
      if (left < this.heap.length && this.heap[left]!.at < this.heap[least]!.at) least = left
      if (right < this.heap.length && this.heap[right]!.at < this.heap[least]!.at) least = right
      if (least === place) return
      this.swap(place, least)
      place = least
    }
  }

  private swap(a: number, b: number): void {
    const [one, other] = [this.heap[a]!, this.heap[b]!]
    this.heap[a] = other
    this.heap[b] = one
    this.places.set(other.item, a)
    this.places.set(one.item, b)
  }
}
