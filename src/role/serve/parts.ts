/** The parts of serve that differ between real and simulated engines. */
import type { Control } from '#control/control.ts'
import type { Endpoints } from '#control/endpoints.ts'
import type { Hosts } from '#control/hosts.ts'
import type { Metrics } from '#telemetry/metrics.ts'
import type { Store } from '#store/store.ts'

export interface HostStatus {
  readonly zone: string
  /** Null while no agent runs: it is started when it is needed. */
  readonly agent: { readonly pid: number; readonly residentBytes: number } | null
  readonly instances: number
}

export interface Parts {
  readonly store: Store
  readonly hosts: Hosts
  readonly metrics: Metrics
  readonly endpoints: Endpoints
  /** Where keys and certificate authorities are kept. */
  readonly trustFolder: string
  /** Exact versions of PostgreSQL that this machine has from elsewhere, besides those that npm has. */
  readonly systemVersions: readonly string[]
  /** After a start: the agents of all hosts that have instances are there, as far as they come within patience. */
  settle(control: Control): Promise<void>
  /** What the first `create-db-instance` would otherwise wait for, done in the background. */
  prewarm(control: Control): void
  status(): Promise<HostStatus[]>
  /** Stops every engine in order, and the agents. */
  shutDown(): Promise<void>
  close(): Promise<void>
}
