import type { ObservedRelay, RelayTerms } from '#wire/lognode/messages.ts'

/** Relays of volumes without bytes: each has all that its source has, from the first moment on. */
export class MemoryRelays {
  private readonly terms = new Map<string, RelayTerms>()

  keep(terms: RelayTerms): void {
    if ((this.terms.get(terms.volume)?.epoch ?? 0) <= terms.epoch) this.terms.set(terms.volume, terms)
  }

  end(volume: string): void {
    this.terms.delete(volume)
  }

  observed(): ObservedRelay[] {
    return [...this.terms.values()].map(({ volume, epoch, begin }) => {
      const log = { recoveredEnd: begin, copied: begin, durable: begin, sourceEnd: begin }
      return { volume, epoch, phase: 'following', ...log, isConnected: true }
    })
  }
}
