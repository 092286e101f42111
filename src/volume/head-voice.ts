/** What a head says to members, in the name of its epoch. */
import type { Epoch, History, MemberId, Position } from '#wire/quorum/messages.ts'
import type { MemberView } from './member-view.ts'
import type { HeadSurroundings } from './ports.ts'

export class HeadVoice {
  private readonly around: Pick<HeadSurroundings, 'send'>
  private readonly epoch: Epoch

  constructor(around: Pick<HeadSurroundings, 'send'>, epoch: Epoch) {
    this.around = around
    this.epoch = epoch
  }

  /** To one that can be spoken to. `sequence`: of the last ping, if there was one. */
  greet(member: MemberId, sequence: number | undefined): void {
    this.around.send([member], { type: 'seal', epoch: this.epoch })
    if (sequence !== undefined) this.ping([member], sequence)
  }

  ping(members: readonly MemberId[], sequence: number): void {
    this.around.send(members, { type: 'ping', epoch: this.epoch, sequence })
  }

  adopt(view: MemberView, history: History): void {
    this.around.send([view.id], { type: 'adopt', epoch: this.epoch, history })
  }

  durable(members: readonly MemberId[], durable: Position): void {
    this.around.send(members, { type: 'durable', epoch: this.epoch, durable })
  }

  /** Nothing while there is nobody who may have more than others. */
  release(
    members: readonly MemberId[],
    to: { readonly reader: string | undefined; readonly position: Position },
  ): void {
    const { reader, position } = to
    if (reader !== undefined) this.around.send(members, { type: 'release', epoch: this.epoch, reader, position })
  }

  repair(view: MemberView, { from, until }: { readonly from: MemberId; readonly until: Position }): void {
    this.around.send([view.id], { type: 'repair', epoch: this.epoch, from, position: until })
  }
}
