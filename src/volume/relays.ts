/** The relays of a log node: those that it was told of, kept in its table, so that the next process goes on with them. */
import type { Log } from '#base/log.ts'
import type { Clock } from '#host/clock.ts'
import { farSocket } from '#host/far-socket.ts'
import { peerContext } from '#host/mutual-tls.ts'
import type { Random } from '#host/random.ts'
import type { ObservedRelay, RelayTerms } from '#wire/lognode/messages.ts'
import { logNodeDialer } from './dial-log-node.ts'
import { refusal } from './log-node/seed.ts'
import type { LogNodeTable } from './log-node/table.ts'
import { Turns } from './log-node/turns.ts'
import { Relay } from './relay.ts'

interface RelaysOptions {
  readonly table: LogNodeTable
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
}

const PREFIX = 'relay/'

export class Relays {
  private readonly options: RelaysOptions
  private readonly relays = new Map<string, Relay>()
  private readonly turns = new Turns()

  constructor(options: RelaysOptions) {
    this.options = options
  }

  /** Goes on with what a process before has kept. */
  load(kept: ReadonlyMap<string, unknown>): void {
    for (const [key, terms] of kept) if (key.startsWith(PREFIX)) this.begin(terms as RelayTerms)
  }

  keep(terms: RelayTerms): Promise<void> {
    return this.turns.run(terms.volume, () => this.keepInTurn(terms))
  }

  end(volume: string): Promise<void> {
    return this.turns.run(volume, async () => {
      this.relays.get(volume)?.close()
      this.relays.delete(volume)
      await this.options.table.delete(PREFIX + volume)
    })
  }

  private async keepInTurn(terms: RelayTerms): Promise<void> {
    const before = this.relays.get(terms.volume)?.terms
    if (before && before.epoch > terms.epoch) throw refusal(`there is a relay of epoch ${before.epoch} already`)
    if (before && JSON.stringify(before) === JSON.stringify(terms)) return
    await this.options.table.put(PREFIX + terms.volume, terms)
    this.begin(terms)
  }

  observed(): ObservedRelay[] {
    return [...this.relays.values()].map((relay) => relay.observed())
  }

  /** They are kept for the next process. */
  close(): void {
    for (const relay of this.relays.values()) relay.close()
    this.relays.clear()
  }

  private begin(terms: RelayTerms): void {
    const { clock, random, log } = this.options
    const { volume, tls, source } = terms
    this.relays.get(volume)?.close()
    const context = peerContext(tls)
    const { delayMs } = source
    this.relays.set(
      volume,
      new Relay(terms, {
        dial: logNodeDialer(() => context),
        away: (socket) => (delayMs > 0 ? farSocket(socket, delayMs, clock) : socket),
        clock,
        random,
        log: log.child({ relay: volume }),
      }),
    )
  }
}
