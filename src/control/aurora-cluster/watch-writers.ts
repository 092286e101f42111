/**
 * Whether the writers of Aurora clusters can be reached, by more than one witness: where a host is lost with all that is on
 * it, or does nothing any more, nobody there says so. A writer whose engine ends is told of by its agent, and seen to by
 * keep-aurora-cluster.
 */
import { SECOND_MS } from '#base/durations.ts'
import type { Log } from '#base/log.ts'
import { commit, type Control } from '../control.ts'
import { enginePortOf, LOOPBACK } from '../db-instance/engine-address.ts'
import { dbInstances, type DbInstanceRecord } from '../db-instance/record.ts'
import { auroraKeyOf, findAuroraCluster, type AuroraClusterRecord } from './record.ts'
import { auroraRounds } from './rounds.ts'
import { startAuroraRecovery } from './start-recovery.ts'

const LOOK_EVERY_MS = SECOND_MS

/** Looks in a row at which no witness got an answer. Each waits for some seconds for one. */
const MISSES_MAX = 2

/** An agent that has not answered by then does nothing. */
const AGENT_ANSWER_MS_MAX = 5 * SECOND_MS

/** Looks again and again until it is stopped. */
export const watchAuroraWriters = (control: Control, log: Log): { stop(): void } =>
  auroraRounds(control, log, {
    everyMs: LOOK_EVERY_MS,
    what: 'look at the writers of Aurora clusters',
    watcher: (isOver) => {
      const witnesses = new Witnesses(control, log, isOver)
      return (cluster) => witnesses.look(cluster)
    },
  })

/** Of one cluster's writer. */
class Witnesses {
  private readonly control: Control
  private readonly log: Log
  private readonly isOver: () => boolean
  private writer: string | undefined
  private misses = 0

  constructor(control: Control, log: Log, isOver: () => boolean) {
    this.control = control
    this.log = log
    this.isOver = isOver
  }

  async look(cluster: AuroraClusterRecord): Promise<void> {
    const writer = await this.writerOf(cluster)
    if (writer?.resourceId !== this.writer) this.misses = 0
    this.writer = writer?.resourceId
    if (!writer) return
    const { zone } = writer
    const isSuspect = this.misses > 0 && this.control.hosts.isConnected(zone)
    const [heard, isAwake] = await Promise.all([this.isHeard(writer), isSuspect ? this.isAwake(zone) : true])
    if (heard === true) this.misses = 0
    else if (heard === false) this.misses++
    if (this.misses < MISSES_MAX || this.isOver()) return
    const because = this.lossOf(writer, isAwake)
    if (because !== undefined && !this.isOver()) await this.recover(cluster, writer, because)
  }

  /** One that should serve. */
  private async writerOf(cluster: AuroraClusterRecord): Promise<DbInstanceRecord | undefined> {
    const member = cluster.members.find(({ resourceId }) => resourceId === cluster.writer)
    if (!member || !cluster.isOpen || cluster.phase !== 'available') return undefined
    const held = await dbInstances(this.control, cluster).get(member.id)
    return held?.value.resourceId === member.resourceId ? held.value : undefined
  }

  /** Whether its engine answers any other host; undefined: there is none that could tell. */
  private async isHeard(writer: DbInstanceRecord): Promise<boolean | undefined> {
    const { hosts } = this.control
    const at = { engine: 'postgres', host: LOOPBACK, port: enginePortOf(writer) } as const
    const asked = hosts.zones
      .filter((zone) => zone !== writer.zone && hosts.isConnected(zone))
      .map((zone) => hosts.ask(zone, 'engine.answers', at).catch(() => undefined))
    const words = (await Promise.all(asked)).filter((word) => word !== undefined)
    // Whoever hears it is right, whatever the others say.
    if (words.some(({ answers }) => answers)) return true
    return words.some(({ isLate }) => !isLate) ? false : undefined
  }

  /** What its own host says to that. Undefined: that it serves, or that it ended, which others see to. */
  private lossOf({ zone, resourceId }: DbInstanceRecord, isAwake: boolean): string | undefined {
    const { hosts } = this.control
    if (hosts.isConnected(zone) && !isAwake) {
      this.log.warn({ zone }, 'an agent does not answer, and the writer on its host neither: the host counts as lost')
      hosts.hangUp(zone)
    }
    if (!hosts.isConnected(zone)) return 'The host of the writer does not answer.'
    return hosts.observed(zone, resourceId)?.isSilent ? 'The engine of the writer does not answer.' : undefined
  }

  /** Its agent answers. */
  private async isAwake(zone: string): Promise<boolean> {
    const { clock, hosts } = this.control
    const patience = new AbortController()
    const late = clock.sleep(AGENT_ANSWER_MS_MAX, patience.signal).then(
      () => false,
      () => false,
    )
    const answer = hosts.ask(zone, 'host.facts', {}).then(
      () => true,
      () => false,
    )
    try {
      return await Promise.race([answer, late])
    } finally {
      patience.abort(new Error('it has answered'))
    }
  }

  private async recover(cluster: AuroraClusterRecord, writer: DbInstanceRecord, because: string): Promise<void> {
    const { control } = this
    const key = auroraKeyOf(cluster)
    const now = (await findAuroraCluster(control, key))?.value
    if (!now?.isOpen || now.phase !== 'available' || now.writer !== writer.resourceId) return
    const recovery = await startAuroraRecovery(control, key, because)
    this.log.warn({ cluster: cluster.id, writer: writer.id, because }, 'a writer is lost')
    if (recovery && (await commit(control, recovery.writes)).committed) control.flows.wake(recovery.id)
    this.misses = 0
  }
}
