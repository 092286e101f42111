/**
 * The links of a Multi-AZ instance, which can be broken: from the gateway to each engine, and from the standby to the
 * primary whose log it follows. What goes over them is real; only the way leads through relays. It needs no privileges.
 */
import { mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { eventually } from '../../support/eventually.ts'
import type { Deployment, RunningEngine } from './deployment.ts'
import { signal } from './faults.ts'
import { openRelay, type Relay } from './relay.ts'

const HOOK = new URL('./detour.ts', import.meta.url).pathname

export class Network {
  private readonly folder: string
  private readonly relays = new Map<number, Relay>()

  private constructor(folder: string) {
    this.folder = folder
  }

  static async create(): Promise<Network> {
    return new Network(await mkdtemp(join(tmpdir(), 'holdfast-detours-')))
  }

  private get file(): string {
    return join(this.folder, 'ports.json')
  }

  /** With which Holdfast is started. */
  get env(): Readonly<Record<string, string>> {
    const before = process.env['NODE_OPTIONS'] ?? ''
    return { NODE_OPTIONS: `${before} --import=${HOOK}`.trim(), HOLDFAST_TEST_DETOURS: this.file }
  }

  /** From now on the gateway reaches the engines through relays, wherever the primary is. */
  async take(world: Deployment): Promise<void> {
    for (const { port } of await world.engines()) this.relays.set(port, await openRelay({ host: '127.0.0.1', port }))
    const ports = Object.fromEntries([...this.relays].map(([port, relay]) => [port, relay.port]))
    await writeFile(`${this.file}.new`, JSON.stringify(ports))
    await rename(`${this.file}.new`, this.file)
  }

  /** Between the gateway and the primary, once clients come over it. */
  async toPrimary(world: Deployment): Promise<Relay> {
    return eventually('clients whom the gateway takes to the primary through a relay', async () => {
      const relay = this.relays.get((await world.primary()).port)
      return relay && relay.connections() > 0 ? relay : undefined
    })
  }

  async close(): Promise<void> {
    for (const relay of this.relays.values()) await relay.close()
    await rm(this.folder, { recursive: true, force: true })
  }
}

const SOURCE_PORT = /^(primary_conninfo\b.*\bport=\D*)(\d+)/m

/** Has the standby stream through a relay. The caller ends that with `endDetour`. */
export async function detourOfLog(world: Deployment): Promise<{ relay: Relay; endDetour(): Promise<void> }> {
  const standby = await world.standby()
  const { port } = await world.primary()
  const relay = await openRelay({ host: '127.0.0.1', port })
  const endDetour = async (): Promise<void> => {
    const engine = (await world.engines()).find(({ zone }) => zone === standby.zone)
    await followPort(world, engine ?? standby, { from: relay.port, to: port })
    await relay.close()
  }
  try {
    await followPort(world, standby, { from: port, to: relay.port })
    await eventually('a standby that streams through the relay', () => (relay.connections() > 0 ? true : undefined))
  } catch (error) {
    await endDetour()
    throw error
  }
  return { relay, endDetour }
}

/** Leaves alone what its agent has written anew meanwhile. */
async function followPort(
  world: Deployment,
  { zone, pid }: RunningEngine,
  { from, to }: { from: number; to: number },
): Promise<void> {
  const file = join(world.dataOf(zone), 'postgresql.conf')
  const text = await readFile(file, 'utf8').catch(() => '')
  const changed = text.replace(SOURCE_PORT, (line, before: string, port: string) =>
    Number(port) === from ? `${before}${to}` : line,
  )
  if (changed === text) return
  await writeFile(file, changed)
  signal([pid], 'SIGHUP')
}
