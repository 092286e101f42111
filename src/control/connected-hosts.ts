/**
 * Hosts whose agents are processes: serve listens on a Unix socket, agents dial in, show the token and stay. An agent
 * is started when its zone is first needed, and again when it is gone.
 */
import { timingSafeEqual } from 'node:crypto'
import type { Log } from '#base/log.ts'
import type { Clock } from '#host/clock.ts'
import { listen } from '#host/net.ts'
import type { Server, Socket } from '#host/net.ts'
import { FrameDecoder, FrameError, encodeFrame } from '#wire/agent/frames.ts'
import { FRAME_BYTES_MAX } from '#wire/agent/limits.ts'
import { AGENT_PROTOCOL_VERSION } from '#wire/agent/messages.ts'
import type { FromAgent, JobView, ToAgent } from '#wire/agent/messages.ts'
import type { HostReport, Hosts } from './hosts.ts'
import { HELLO_PATIENCE_MS, SHUT_DOWN_PATIENCE_MS, STRANGERS_MAX } from './hosts/limits.ts'
import { Zone } from './hosts/zone.ts'
import type { AgentStream } from './hosts/zone.ts'

export interface ConnectedHostsOptions {
  /** In a folder that only we can enter. */
  readonly socketPath: string
  /** What an agent must show. */
  readonly token: string
  readonly zones: readonly string[]
  /** Starts the agent of a zone, detached. It dials in by itself; should one run already, it ends by itself. */
  readonly launch: (zone: string) => Promise<void>
  /** Version of Holdfast: an agent of another one is asked to make room. */
  readonly version: string
  readonly clock: Clock
  readonly log: Log
}

export interface ConnectedHosts extends Hosts {
  status(): { zone: string; agentPid: number | undefined; instances: number }[]
  /** Stops all engines in order and ends the agents. What ran is started again by the next ones. */
  shutDownAll(): Promise<void>
  /** Hangs up. Agents and engines go on. */
  close(): Promise<void>
}

/** Resolves once agents can dial in. */
export async function connectHosts(options: ConnectedHostsOptions): Promise<ConnectedHosts> {
  const listeners = new Set<(report: HostReport) => void>()
  const onReport = (report: HostReport): void => listeners.forEach((listener) => listener(report))
  const { clock, log, launch } = options
  const zones = new Map(options.zones.map((zone) => [zone, new Zone({ zone, clock, log, launch, onReport })]))
  const door = new Door(options, zones)
  const server = await listen({ path: options.socketPath }, (socket) => door.welcome(socket))
  return hostsOf(options, { zones, listeners, door, server })
}

interface Parts {
  readonly zones: ReadonlyMap<string, Zone>
  readonly listeners: Set<(report: HostReport) => void>
  readonly door: Door
  readonly server: Server
}

function hostsOf(options: ConnectedHostsOptions, { zones, listeners, door, server }: Parts): ConnectedHosts {
  const zoneOf = (name: string): Zone => {
    const zone = zones.get(name)
    if (!zone) throw new RangeError(`there is no zone ${name}`)
    return zone
  }
  return {
    zones: options.zones,
    job: async (zone, jobId) => (await zoneOf(zone).request({ type: 'get-job', jobId })) as JobView,
    async startJob(zone, jobId, kind, input) {
      await zoneOf(zone).request({ type: 'start-job', jobId, kind, input })
    },
    async cancelJobs(zone, prefix) {
      await zoneOf(zone).request({ type: 'cancel-jobs', prefix })
    },
    async forgetJobs(zone, prefix) {
      await zoneOf(zone).request({ type: 'forget-jobs', prefix })
    },
    ask: async (zone, question, input) => (await zoneOf(zone).request({ type: 'ask', question, input })) as never,
    hangUp: (zone) => zoneOf(zone).hangUp(),
    isConnected: (zone) => zoneOf(zone).agentPid !== undefined,
    observed: (zone, id) => zoneOf(zone).observed.get(id),
    onReport: (listener) => void listeners.add(listener),
    rouse: async (zone) => zoneOf(zone).rouse(),
    status: () => [...zones].map(([zone, { agentPid, observed }]) => ({ zone, agentPid, instances: observed.size })),
    async shutDownAll() {
      const patience = new AbortController()
      const late = options.clock.sleep(SHUT_DOWN_PATIENCE_MS, patience.signal).then(
        () => options.log.error({}, 'an agent has not stopped its engines in time'),
        () => {},
      )
      await Promise.race([Promise.all([...zones.values()].map((zone) => zone.shutDown())), late])
      patience.abort(new Error('all agents have ended'))
    },
    async close() {
      const closed = new Promise((resolve) => server.close(resolve))
      for (const zone of zones.values()) zone.close()
      door.close()
      await closed
    },
  }
}

/** Where connections come in, and stay strangers until they have said hello. */
class Door {
  private readonly options: ConnectedHostsOptions
  private readonly zones: ReadonlyMap<string, Zone>
  private readonly strangers = new Set<Socket>()

  constructor(options: ConnectedHostsOptions, zones: ReadonlyMap<string, Zone>) {
    this.options = options
    this.zones = zones
  }

  welcome(socket: Socket): void {
    const { log, clock } = this.options
    socket.on('error', (error) => log.debug({ error }, 'the stream of an agent failed'))
    if (this.strangers.size >= STRANGERS_MAX) return void socket.destroy()
    this.strangers.add(socket)
    const patience = clock.after(HELLO_PATIENCE_MS, () => socket.destroy())
    const decoder = new FrameDecoder(FRAME_BYTES_MAX)
    let known: { zone: Zone; stream: AgentStream } | undefined
    socket.on('data', (piece: Buffer) => {
      try {
        for (const message of decoder.push(piece) as FromAgent[]) {
          if (message.type !== 'hello') this.pass(known, message)
          else {
            patience.cancel()
            this.strangers.delete(socket)
            known = this.introduce(socket, message)
          }
        }
      } catch (error) {
        if (!(error instanceof FrameError)) throw error
        log.warn({ error }, 'a connection on the socket for agents was refused')
        socket.destroy()
      }
    })
    socket.on('close', () => {
      patience.cancel()
      this.strangers.delete(socket)
      if (known) known.zone.detach(known.stream)
    })
  }

  close(): void {
    for (const socket of this.strangers) socket.destroy()
  }

  private pass(known: { zone: Zone } | undefined, message: Exclude<FromAgent, { type: 'hello' }>): void {
    if (known) return known.zone.receive(message)
    // One that was asked to retire may still report until it is gone.
    if (message.type === 'reply' || message.type === 'refusal') throw new FrameError('a reply came before the hello')
  }

  private introduce(
    socket: Socket,
    hello: Extract<FromAgent, { type: 'hello' }>,
  ): { zone: Zone; stream: AgentStream } | undefined {
    const { token, version, log } = this.options
    if (!isSame(hello.token, token)) throw new FrameError('the token is wrong')
    const zone = this.zones.get(hello.az)
    if (!zone) throw new FrameError('there is no such zone')
    const send = (message: ToAgent): void => void (socket.destroyed || socket.write(encodeFrame(message)))
    if (hello.protocol !== AGENT_PROTOCOL_VERSION || hello.version !== version) {
      log.info(
        { zone: hello.az, pid: hello.pid, version: hello.version },
        'asked an agent of another version to retire',
      )
      send({ type: 'retire' })
      // Its store is free for its successor before it hangs up.
      socket.once('close', () => zone.rouse())
      return undefined
    }
    const stream: AgentStream = { pid: hello.pid, send, close: () => socket.destroy() }
    send({ type: 'welcome' })
    zone.attach(stream, hello.instances)
    return { zone, stream }
  }
}

/** Compares in the same time whatever is wrong. */
function isSame(shown: unknown, expected: string): boolean {
  if (typeof shown !== 'string') return false
  const [a, b] = [Buffer.from(shown), Buffer.from(expected)]
  return a.length === b.length && timingSafeEqual(a, b)
}
