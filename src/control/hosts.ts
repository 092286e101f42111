/**
 * The port through which control reaches hosts. `connected-hosts.ts` speaks to agent processes, starting them lazily;
 * in simulated mode the same agent code runs in this process.
 */
import type { JobKind, JobKinds, JobView, ObservedInstance, Question, Questions } from '#wire/agent/messages.ts'

export interface Hosts {
  /** Availability zones that have a host: `a`, `b`, `c`. */
  readonly zones: readonly string[]
  /** Throws a retryable Trouble while the host cannot be reached. */
  job(zone: string, jobId: string): Promise<JobView>
  startJob<K extends JobKind>(zone: string, jobId: string, kind: K, input: JobKinds[K]['input']): Promise<void>
  /** Resolves when no job with this prefix runs any more. */
  cancelJobs(zone: string, prefix: string): Promise<void>
  forgetJobs(zone: string, prefix: string): Promise<void>
  ask<Q extends Question>(zone: string, question: Q, input: Questions[Q]['input']): Promise<Questions[Q]['answer']>
  /** Takes the connection of an agent that answers nothing for lost. It dials again, should it come to itself. */
  hangUp(zone: string): void
  /** Whether the zone's agent is there. Asking does not start it. */
  isConnected(zone: string): boolean
  /** The last report; undefined if the host has not reported this instance since it connected last. */
  observed(zone: string, id: string): ObservedInstance | undefined
  /** Called on every job and instance report, and with `'connected'` when a host has (re)connected. */
  onReport(listener: (report: HostReport) => void): void
  /** Makes sure that the zone's agent runs, so that it looks after its engines. */
  rouse(zone: string): Promise<void>
}

/** Of a host that can be reached, as for what any host can do. Undefined: none can. */
export const connectedZone = (hosts: Pick<Hosts, 'zones' | 'isConnected'>): string | undefined =>
  hosts.zones.find((zone) => hosts.isConnected(zone))

/** The same, or one that has to come back first. */
export const anyZone = (hosts: Pick<Hosts, 'zones' | 'isConnected'>): string => connectedZone(hosts) ?? hosts.zones[0]!

export type HostReport =
  | { readonly type: 'connected'; readonly zone: string }
  /** Its log node came or went, or a member of it is in another state. */
  | { readonly type: 'log-node'; readonly zone: string }
  | { readonly type: 'job'; readonly zone: string; readonly jobId: string; readonly view: JobView }
  | {
      readonly type: 'observed'
      readonly zone: string
      readonly instance: ObservedInstance
      readonly before: ObservedInstance | undefined
    }
