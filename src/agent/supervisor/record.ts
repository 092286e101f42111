import type { InstanceSpec } from '#wire/agent/messages.ts'

/** What the agent keeps of an instance, under `instance/<id>`: intent, as its last job left it. */
export interface InstanceRecord {
  readonly spec: InstanceSpec
  /** Whether the engine is to run: after a crash, an agent's restart, a machine's restart. */
  readonly wanted: 'running' | 'stopped'
  /** Deaths of the engine that nobody asked for, since the agent first started it. */
  readonly crashes: number
  /** Of a standby: the snapshot of its source that it was made from. */
  readonly seedId?: string
  /** Of a serverless instance that was scaled: its capacity, also while it is down. */
  readonly acu?: number
}
