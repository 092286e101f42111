/** What an agent says of its host. */
import type { EngineName } from './messages.ts'

export interface HostContents {
  readonly instances: readonly string[]
  /** Also half-made ones. Hosts of one machine share them. */
  readonly snapshots: readonly string[]
}

export interface HostFacts {
  readonly az: string
  readonly pid: number
  readonly reflink: boolean
  /** Exact versions whose binaries are on this host, by engine. */
  readonly engines: Readonly<Record<EngineName, readonly string[]>>
  readonly memoryBytes: number
  /** Resident memory of the agent itself. */
  readonly residentBytes: number
}
