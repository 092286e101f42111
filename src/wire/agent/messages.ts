/**
 * What serve and an agent say to each other. The only coupling between `control/` and `agent/`.
 * One JSON document a line over one stream that the agent opens. Normative prose: docs/protocol/agent.md.
 */

import type { LogPosition, ObservedReplication, Replication } from './replication.ts'
import type { ArchiveJobs, ObservedArchive, RestoreCheck, SnapshotPlace } from './archive.ts'
import type { HostContents, HostFacts } from './host-facts.ts'
import type { ServerlessQuestions, ServerlessTerms } from './serverless.ts'
import type { ObservedStorage } from './storage.ts'
import type { InstanceCapacity, MeasuredMinute } from './measures.ts'
import type { Position } from '../quorum/messages.ts'
import type { LogNodeQuestions } from '../lognode/messages.ts'
import type {
  ObservedVolume,
  OfVolume,
  VolumeArchiveQuestions,
  VolumeAttachment,
  VolumeJobs,
  VolumeQuestions,
} from './volume.ts'

/** Bumped when a message changes its meaning. Serve asks an agent that speaks another version to retire. */
export const AGENT_PROTOCOL_VERSION = 2

export type EngineName = 'postgres'

/** Everything an agent needs to run one engine. Intent, decided by control; the agent keeps it beside the data. */
export interface InstanceSpec {
  /** The DbiResourceId: names the data folder, and stays when the instance is renamed. */
  readonly id: string
  readonly engine: EngineName
  /** Exact engine version, as RDS writes it: `17.10`. */
  readonly version: string
  /** Address and port on which clients reach the engine. */
  readonly listenAddress: string
  readonly port: number
  /** Engine parameters (formulas already evaluated, engine's own units), without what the driver owns (paths, ports, TLS files). */
  readonly settings: Readonly<Record<string, string>>
  /**
   * IPv4 and IPv6 blocks from which clients may come, `10.0.0.0/8`; none: nobody may. Absent, in specs of before there was
   * this: everybody may. Who streams the log is not meant.
   */
  readonly allowedSources?: readonly string[]
  /** Refuse clients that do not use TLS. */
  readonly requireTls: boolean
  readonly tls: TlsFiles
  /** Absent: one copy, from which nobody streams. */
  readonly replication?: Replication
  /** Of an instance of an Aurora cluster, which has no `replication` then. */
  readonly volume?: VolumeAttachment
  /**
   * Who starts the engine again after it has died: the agent, unless control has to decide first, because another copy
   * may have taken its place.
   */
  readonly revivedBy?: 'agent' | 'control'
  /**
   * Grows with every change of who is primary and whom commits wait for. A job with a spec of an earlier generation is
   * refused (`stale-spec`): it would undo what was decided since.
   */
  readonly generation?: number
  /** Of a serverless instance, whose agent gives it the capacity that its load asks for. `capacity` is then the largest one. */
  readonly serverless?: ServerlessTerms
  readonly capacity: InstanceCapacity
  /** Where in the archive the instance's log goes as it is written; undefined: nowhere. */
  readonly archivePrefix?: string | undefined
}

/** PEM texts. The private key is written only to a file that the engine's account alone can read. */
export interface TlsFiles {
  readonly certificatePem: string
  readonly privateKeyPem: string
  readonly caPem: string
}

export interface MasterUser {
  readonly name: string
  /** `SCRAM-SHA-256$4096:salt$StoredKey:ServerKey`. The clear password never reaches an agent. */
  readonly passwordVerifier: string
}

export type StopMode = 'smart' | 'fast' | 'immediate'

/** Every kind of job: what it takes and what it gives. Each may be started twice with the same id and runs once. */
export interface JobKinds extends VolumeJobs, ArchiveJobs {
  /** Fetch the engine's binaries if they are missing, and make its template. */
  'engine.prepare': { input: { engine: EngineName; version: string }; result: { fetched: boolean } }
  /** Make a data volume from the template, start the engine, create the master user and the first database. */
  'instance.create': {
    input: { spec: InstanceSpec; master: MasterUser; databaseName: string | undefined }
    result: Record<never, never>
  }
  /** Make a data volume from a snapshot and start the engine on it. `master` sets a new password, where given. */
  'instance.restore': {
    input: { spec: InstanceSpec; snapshotId: string; master: MasterUser | undefined }
    result: Record<never, never>
  }
  /** Start with this spec; it is from now on what the agent keeps running. Running already with the same spec: nothing. */
  'instance.start': { input: { spec: InstanceSpec }; result: Record<never, never> }
  /** Stop if running, then start with this spec. Another version in the spec is a minor upgrade. */
  'instance.restart': { input: { spec: InstanceSpec }; result: Record<never, never> }
  /** Stop, and keep it stopped. */
  'instance.stop': { input: { id: string; mode: StopMode }; result: Record<never, never> }
  /** Apply this spec to the running engine as far as that works without a restart. */
  'instance.reload': { input: { spec: InstanceSpec }; result: { pendingRestart: readonly string[] } }
  'instance.set-password': { input: { id: string; master: MasterUser }; result: Record<never, never> }
  /** Start a standby here, in the place of what there is of the instance, on a snapshot of its source, which is used up. */
  'instance.follow': { input: { spec: InstanceSpec; seedId: string }; result: Record<never, never> }
  /** Turn the running standby into a primary with this spec. It takes writes when this has succeeded. */
  'instance.promote': { input: { spec: InstanceSpec }; result: { timeline: number } }
  /**
   * Let the standby follow nobody any more, which its spec says by a source that is not there. Succeeds when nothing
   * comes in; its log is from then on what the result says.
   */
  'instance.seal': { input: { spec: InstanceSpec }; result: LogPosition }
  /** End the engine at once, as by kill -9, and keep it ended. An absent instance is fenced already. */
  'instance.fence': { input: { id: string }; result: Record<never, never> }
  /**
   * Apply this spec to the running primary, and wait until commits really wait for a standby and it has all that was
   * acknowledged before they did. Fails, with commits waiting, when no standby comes that far in time.
   */
  'instance.synchronize': { input: { spec: InstanceSpec }; result: Record<never, never> }
  /** Give the running standby log out of the archive, for a while; `backup-broken` when that leads no further. */
  'instance.catch-up': { input: { id: string; prefix: string }; result: { isStreaming: boolean; isFurther: boolean } }
  /** Stop the engine and delete everything the agent holds of it. */
  'instance.remove': { input: { id: string }; result: Record<never, never> }
  /**
   * A consistent physical copy, taken while the engine serves (or while it is stopped). `atLeast`, of a reader of a cluster
   * volume: it waits until the reader has the log up to there.
   */
  'instance.snapshot': { input: { id: string; snapshotId: string; atLeast?: Position }; result: SnapshotFacts }
  'snapshot.copy': { input: { snapshotId: string; targetId: string }; result: SnapshotFacts }
  /**
   * Make a data volume out of the archive: what the database under `prefix` was at `time`, in milliseconds since the
   * epoch, inclusive; undefined: what is archived last. Then start the engine on it. `master` sets a new password.
   */
  'instance.recover': {
    input: { spec: InstanceSpec; prefix: string; time: number | undefined; master: MasterUser | undefined }
    result: Record<never, never>
  }
  'snapshot.remove': { input: { snapshotId: string }; result: Record<never, never> }
}

export type JobKind = keyof JobKinds

export interface SnapshotFacts extends OfVolume {
  /** Bytes in the copy. */
  readonly sizeBytes: number
  readonly engineVersion: string
  /** Of one that was taken while the engine served, or that a volume begins with: where it stands in the log, so that it can be gone on from. */
  readonly log?: SnapshotPlace
}

/** Why a job failed, in a form that a flow can decide on. */
export type JobErrorCode =
  /** The engine refuses to start with these settings. */
  | 'bad-settings'
  | 'port-busy'
  | 'disk-full'
  /** Binaries are neither here nor to be had. */
  | 'engine-unavailable'
  | 'instance-missing'
  | 'snapshot-missing'
  /** Something in the archive is missing or damaged; the message names it, and up to where a restore can go. */
  | 'backup-broken'
  | 'cancelled'
  /** The spec is older than what the host has by now. */
  | 'stale-spec'
  /** Of a cluster volume: another epoch has begun, or may have. */
  | 'fenced'
  /** What is on the host is no past state of what it should follow, and has to be made anew. */
  | 'diverged'
  /** Anything else; the message says it. */
  | 'failed'

export interface JobError {
  readonly code: JobErrorCode
  /** Safe for a user to read: no secret, no path outside the state folder. */
  readonly message: string
}

/** A job as the agent's table has it. */
export type JobView =
  | { readonly state: 'absent' }
  | { readonly state: 'running'; readonly progress: string | undefined }
  | { readonly state: 'succeeded'; readonly result: unknown }
  | { readonly state: 'failed'; readonly error: JobError }

/** What the agent sees of one engine now. Facts, never intent. */
export interface ObservedInstance {
  readonly id: string
  readonly state: 'starting' | 'running' | 'stopping' | 'stopped' | 'failed'
  /** A client could connect at the last look. Only ever true while `running`. */
  readonly accepting: boolean
  readonly pid: number | undefined
  readonly version: string
  /** Parameters whose new value waits for a restart. */
  readonly pendingRestart: readonly string[]
  /** How often the engine died by itself since the agent first started it. */
  readonly crashes: number
  /** Why it is `failed`, or why it last died. */
  readonly lastError: JobError | undefined
  /** The engine's process is there, and has not answered several times in a row. */
  readonly isSilent?: boolean
  /** Of an engine with a part in replication, while it runs. */
  readonly replication?: ObservedReplication
  /** Of an engine on a cluster volume, while it runs. */
  readonly volume?: ObservedVolume
  /** How far its log is archived; undefined where it is not, or not yet. */
  readonly archive?: ObservedArchive | undefined
  /** Absent until its storage was looked at. */
  readonly storage?: ObservedStorage
  /** Of a serverless instance: the capacity that it has, or would have with its next start. */
  readonly acu?: number
}

/** Questions an agent answers at once, without a job. */
export interface Questions extends LogNodeQuestions, VolumeQuestions, VolumeArchiveQuestions, ServerlessQuestions {
  'logs.list': { input: { id: string }; answer: { files: readonly LogFile[] } }
  /** Bytes [offset, offset + bytesMax) of a log file, as text cut at line ends. */
  'logs.read': {
    input: { id: string; name: string; offset: number; bytesMax: number }
    answer: { text: string; nextOffset: number; sizeBytes: number } | { missing: true }
  }
  /** Where the engine's log ends now. */
  'instance.position': { input: { id: string }; answer: LogPosition }
  /**
   * Minutes that began at `from` or later, oldest first. `more`: there are others, that begin with the last one's
   * minute or later.
   */
  'measures.read': {
    input: { from: number }
    answer: { minutes: readonly MeasuredMinute[]; more: boolean }
  }
  /** Whether everything is in the archive that `instance.recover` would need: by names, nothing is read. */
  'archive.check': { input: { prefix: string; time: number | undefined }; answer: RestoreCheck }
  'host.facts': { input: Record<never, never>; answer: HostFacts }
  /** Everything that lies on this host, whether or not serve knows of it. */
  'host.contents': { input: Record<never, never>; answer: HostContents }
}

export type Question = keyof Questions

export interface LogFile {
  readonly name: string
  readonly sizeBytes: number
  readonly writtenAt: number
}

/** Agent → serve. */
export type FromAgent =
  | {
      readonly type: 'hello'
      readonly protocol: number
      /** Version of Holdfast that the agent runs. */
      readonly version: string
      readonly az: string
      readonly pid: number
      readonly token: string
      readonly instances: readonly ObservedInstance[]
    }
  | { readonly type: 'reply'; readonly to: number; readonly value: unknown }
  | { readonly type: 'refusal'; readonly to: number; readonly message: string }
  /** A job ended or moved on. Sent once; whoever missed it asks. */
  | { readonly type: 'job'; readonly jobId: string; readonly view: JobView }
  | { readonly type: 'observed'; readonly instance: ObservedInstance }
  | { readonly type: 'gone'; readonly id: string }
  | { readonly type: 'log-node' } // It came or went, or a member is in another state: `lognode.look` tells.

/** Serve → agent. Requests carry a `seq` that the reply names in `to`. */
export type ToAgent =
  | { readonly type: 'welcome' }
  /** End this process and leave the engines running; another version of Holdfast takes over. */
  | { readonly type: 'retire' }
  /** End this process if it has nothing to look after and nothing to do; otherwise nothing. */
  | { readonly type: 'dismiss' }
  /** Stop every engine in order and end. What ran is started again by the next agent. */
  | { readonly type: 'shut-down' }
  | {
      readonly type: 'start-job'
      readonly seq: number
      readonly jobId: string
      readonly kind: JobKind
      readonly input: unknown
    }
  | { readonly type: 'get-job'; readonly seq: number; readonly jobId: string }
  /** Ends the job if it runs (it becomes `failed: cancelled`); replies when it no longer runs. */
  | { readonly type: 'cancel-jobs'; readonly seq: number; readonly prefix: string }
  /** Drops ended jobs from the table. */
  | { readonly type: 'forget-jobs'; readonly seq: number; readonly prefix: string }
  | { readonly type: 'ask'; readonly seq: number; readonly question: Question; readonly input: unknown }
