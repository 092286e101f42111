/**
 * Has the kernel hold serverless engines to the capacity that they have, where the host lets the agent ask for that. Not
 * while a job has an engine end, start or take over: whoever waits for those waits for more than what its clients may have.
 */
import { InvariantError } from '#base/assert.ts'
import type { Log } from '#base/log.ts'
import { messageOf } from '#base/trouble.ts'
import { ACU_MEMORY_BYTES, ACU_VCPUS } from '#catalog/serverless.ts'
import type { ControlGroups, GroupLimits } from '#host/control-groups.ts'
import type { Instance } from '../supervisor/instance.ts'
import { acuOf } from './in-force.ts'

export interface EnforcerOptions {
  /** Undefined: the host does not let us. */
  readonly groups: ControlGroups | undefined
  readonly log: Log
}

interface Held {
  /** Jobs that are not to be slowed down. */
  jobs: number
  /** Buffers that all of its processes share, by the last look: they are of the size that the largest capacity has. */
  sharedBytes: number
  wasFailing: boolean
  /** One change of its group after the other. */
  turn: Promise<void>
}

export class Enforcer {
  private readonly options: EnforcerOptions
  private readonly held = new Map<string, Held>()

  constructor(options: EnforcerOptions) {
    this.options = options
  }

  /** What it has from now on, by its record; `sharedBytes` as far as a look has just found it out. */
  hold(instance: Instance, sharedBytes?: number): Promise<void> {
    const { groups } = this.options
    const known = this.held.get(instance.id)
    if (!groups || (!known && !instance.spec.serverless)) return Promise.resolve()
    const held = known ?? this.heldOf(instance.id)
    held.sharedBytes = sharedBytes ?? held.sharedBytes
    return this.change(instance.id, held, async () => {
      const { pid, state } = instance.observed()
      if (held.jobs > 0 || pid === undefined || state !== 'running') return
      const limits = limitsOf(instance, held.sharedBytes)
      if (limits) return groups.hold(instance.id, pid, limits)
      // It is of another class now.
      await groups.lift(instance.id)
      this.held.delete(instance.id)
    })
  }

  /** A job begins for which nobody should wait longer than for any other instance. */
  begins(id: string): void {
    const { groups } = this.options
    if (!groups) return
    const held = this.heldOf(id)
    held.jobs++
    if (held.jobs === 1) void this.change(id, held, () => groups.lift(id))
  }

  /** It has ended: the next look finds the engine. */
  ended(id: string): void {
    const held = this.held.get(id)
    if (held) held.jobs--
  }

  /** The instance is no more, nor is any process of it. */
  drop(id: string): void {
    const { groups } = this.options
    const held = this.held.get(id)
    if (groups && held) void this.change(id, held, () => groups.remove(id))
    this.held.delete(id)
  }

  /** Nobody is slowed down while all engines end. */
  async end(): Promise<void> {
    for (const id of this.held.keys()) this.begins(id)
    await Promise.all([...this.held.values()].map(({ turn }) => turn))
  }

  private heldOf(id: string): Held {
    const known = this.held.get(id)
    if (known) return known
    const fresh: Held = { jobs: 0, sharedBytes: 0, wasFailing: false, turn: Promise.resolve() }
    this.held.set(id, fresh)
    return fresh
  }

  private change(id: string, held: Held, work: () => Promise<void>): Promise<void> {
    held.turn = held.turn.then(work).then(
      () => void (held.wasFailing = false),
      (error: unknown) => {
        if (error instanceof InvariantError) throw error
        // The engine goes on with what it had; the next look tries again.
        if (!held.wasFailing)
          this.options.log.warn({ instance: id, error }, `limit an instance to its capacity: ${messageOf(error)}`)
        held.wasFailing = true
      },
    )
    return held.turn
  }
}

function limitsOf(instance: Instance, sharedBytes: number): GroupLimits | undefined {
  const acu = acuOf(instance.record)
  if (acu === undefined) return undefined
  return { vcpus: acu * ACU_VCPUS, memoryBytes: acu * ACU_MEMORY_BYTES + sharedBytes }
}
