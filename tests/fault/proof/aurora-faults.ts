/** What can go wrong with an Aurora cluster: processes of one instance, of its host, or of serve that die or hang. */

export interface AuroraFault {
  readonly name: string
  readonly member: 'writer' | 'reader'
  /** The host's are all of them together. */
  readonly victims: 'engine' | 'agent' | 'head' | 'log node' | 'host' | 'none'
  readonly signal: 'SIGKILL' | 'SIGSTOP'
  /** Another instance has to take over. What hangs does so until then. */
  readonly fails?: true
  /** Serve dies first, and is started again. */
  readonly withServe?: true
  readonly isEssential?: true
}

const writer = { member: 'writer', signal: 'SIGKILL' } as const

export const AURORA_FAULTS: readonly AuroraFault[] = [
  { ...writer, name: 'kill the writer', victims: 'engine', fails: true },
  { ...writer, name: "kill the writer's host", victims: 'host', fails: true, isEssential: true },
  { ...writer, name: 'hang the writer', victims: 'engine', signal: 'SIGSTOP', fails: true, isEssential: true },
  { ...writer, name: "hang the writer's host", victims: 'host', signal: 'SIGSTOP', fails: true },
  { ...writer, name: 'kill serve and the writer', victims: 'engine', withServe: true, fails: true, isEssential: true },
  { ...writer, name: 'kill serve', victims: 'none', withServe: true },
  { ...writer, name: "kill the writer's head", victims: 'head' },
  { ...writer, name: "kill the writer's agent", victims: 'agent' },
  { ...writer, name: 'kill a log node', victims: 'log node' },
  { name: 'kill a reader', member: 'reader', victims: 'engine', signal: 'SIGKILL' },
  { name: "kill a reader's host", member: 'reader', victims: 'host', signal: 'SIGKILL' },
]
