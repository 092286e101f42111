/** Heads without processes, for tests: they say what the test says, and remember what they were told. */
import type { HeadProcess, HeadProcesses } from '#agent/head-process.ts'
import type { HeadSpec, HeadStatus, ToHead } from '#wire/head/messages.ts'

export class ScriptedHead implements HeadProcess {
  readonly pid = 1
  readonly spec: HeadSpec
  /** Kinds of messages in the order in which they came. */
  readonly told: ToHead['type'][] = []
  readonly ended: Promise<void>
  private readonly ending: () => void
  private status: HeadStatus
  private listener: ((status: HeadStatus) => void) | undefined

  constructor(spec: HeadSpec) {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.spec = spec
    this.ended = promise
    this.ending = resolve
    const nothing = { generation: 1, recoveredEnd: undefined, configured: undefined, reason: undefined }
    this.status = { epoch: spec.epoch, phase: 'sealing', isAttached: false, members: [], ...nothing }
  }

  onStatus(listener: (status: HeadStatus) => void): void {
    this.listener = listener
    listener(this.status)
  }

  tell({ type }: ToHead): void {
    this.told.push(type)
  }

  leave(): void {
    this.listener = undefined
  }

  say(change: Partial<HeadStatus>): void {
    this.status = { ...this.status, ...change }
    this.listener?.(this.status)
  }

  die(): void {
    this.ending()
  }
}

export class ScriptedHeads implements HeadProcesses {
  /** All that ever were, the latest last. */
  readonly all: ScriptedHead[] = []
  /** Of instances whose heads were ended. */
  readonly ends: string[] = []
  private readonly running = new Map<string, ScriptedHead>()

  get last(): ScriptedHead | undefined {
    return this.all.at(-1)
  }

  async run(instance: string, spec: HeadSpec): Promise<HeadProcess> {
    const found = this.running.get(instance)
    if (found?.spec.epoch === spec.epoch) return found
    const head = new ScriptedHead(spec)
    this.running.set(instance, head)
    this.all.push(head)
    void head.ended.then(() => this.running.delete(instance))
    return head
  }

  async end(instance: string): Promise<void> {
    this.ends.push(instance)
    this.running.get(instance)?.die()
  }
}
