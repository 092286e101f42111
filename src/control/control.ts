/** What every rule and flow of control works with. Made once by the role; holds no state of its own. */
import type { Flows } from '#flow/flows.ts'
import type { Clock } from '#host/clock.ts'
import type { Random } from '#host/random.ts'
import type { Mutation } from '#store/collection.ts'
import type { CommitResult, Store } from '#store/store.ts'
import type { Metrics } from '#telemetry/metrics.ts'
import type { Authority } from '#trust/authority.ts'
import type { Vault } from '#trust/vault.ts'
import type { EngineVersion } from '#catalog/engine-versions.ts'
import type { Endpoints } from './endpoints.ts'
import type { StorageScale } from './storage/scale.ts'
import type { Hosts } from './hosts.ts'

export interface Control {
  readonly store: Store
  readonly flows: Flows
  readonly hosts: Hosts
  readonly endpoints: Endpoints
  readonly clock: Clock
  readonly random: Random
  /** Seals and opens what may only be stored encrypted. */
  readonly vault: Vault
  /** Issues certificates for endpoints. */
  readonly authority: Authority
  /** Engine versions that can run here: installed ones and those that can be fetched. */
  readonly versions: readonly EngineVersion[]
  /** Memory of the host that engines share; formulas of parameters never assume more. */
  readonly hostMemoryBytes: number
  readonly hostVcpus: number
  readonly storageScale: StorageScale
  /** How much faster than they are the seconds pass until an idle serverless instance is paused. */
  readonly pauseSpeed: number
  /** What was measured of instances, by the minute. */
  readonly metrics: Metrics
  /** Whether nothing listens on this TCP port of the engines' address. */
  isPortFree(port: number): Promise<boolean>
  /** Where the ports of endpoints come from. */
  readonly ports: EndpointPorts
  /** Address that endpoints are advertised under, and that engines listen on. */
  readonly advertised: { readonly hostname: string; readonly listenAddress: string }
  /** An automatic failover that follows another sooner than this is abandoned for a restart where the primary is. */
  readonly failoverPauseMs: number
  /** How much longer a byte takes from one region to another than it does on this machine. */
  readonly regionLatencyMs: number
  /** Whether nothing real runs: flows are then finished before the request that started them is answered. */
  readonly simulated: boolean
  /** Aurora DB clusters on real engines, which are not whole yet: HOLDFAST_AURORA=preview. */
  readonly auroraPreview: boolean
}

/** `preferred` where no port is asked for; the range, both ends included, where the wanted one is taken. */
export interface EndpointPorts {
  readonly preferred: number
  readonly first: number
  readonly last: number
}

/** Everything a user sees lives in one account and one region. */
export interface Scope {
  readonly account: string
  readonly region: string
}

/** Start of the keys of one kind of resource: `rds/000000000000/us-east-1/db-instance/`. */
export function prefixOf(scope: Scope, kind: string, service = 'rds'): string {
  return `${service}/${scope.account}/${scope.region}/${kind}/`
}

export function commit(control: Pick<Control, 'store'>, mutation: Mutation): Promise<CommitResult> {
  return control.store.commit(mutation.compares, mutation.ops)
}

/**
 * Reads, decides and commits, again from the start when something that was read has changed in between.
 * `decide` must have no effect but its return value. Throws what `decide` throws.
 */
export async function transact<R>(
  control: Pick<Control, 'store' | 'clock'>,
  decide: () => Promise<{ mutation: Mutation; result: R }>,
): Promise<R> {
  for (let attempt = 0; attempt < CONFLICTS_MAX; attempt++) {
    // Two writers who met are apart at the second attempt. Who is still in the way is a flow that has made its resource
    // available, and holds the subject for the moment that its last step takes.
    if (attempt > 1) await control.clock.sleep(Math.min(CONFLICT_PAUSE_MS * 2 ** attempt, CONFLICT_PAUSE_MS_MAX))
    const { mutation, result } = await decide()
    if ((await commit(control, mutation)).committed) return result
  }
  throw new Error(`a transaction met ${CONFLICTS_MAX} conflicts in a row`)
}

/** More conflicts in a row than this means that two writers undo each other, not that they met. */
const CONFLICTS_MAX = 20

/** With these, all attempts together take three seconds: much longer than a last step, which asks one agent one thing. */
const CONFLICT_PAUSE_MS = 1
const CONFLICT_PAUSE_MS_MAX = 200
