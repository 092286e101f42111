/** The port through which an agent has heads. */
import type { HeadSpec, HeadStatus, ToHead } from '#wire/head/messages.ts'

/** How heads are run on this host: head-processes.ts; none in simulations. */
export interface HeadProcesses {
  /** The head that runs beside the instance by this spec, started where none does. One of another epoch is ended before. */
  run(instance: string, spec: HeadSpec, signal: AbortSignal): Promise<HeadProcess>
  /** Ends the head of the instance, whatever its epoch, and takes away what it was told. May run twice. */
  end(instance: string): Promise<void>
}

export interface HeadProcess {
  readonly pid: number
  /** Resolves when it has ended, or can be heard no more. */
  readonly ended: Promise<void>
  /** Told of what it says, and at once of what it has said last. */
  onStatus(listener: (status: HeadStatus) => void): void
  tell(message: ToHead): void
  /** It goes on without being listened to. */
  leave(): void
}
