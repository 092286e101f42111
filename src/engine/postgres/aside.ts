/** A server over a folder that is being made, which nobody but us can reach and nobody looks after. */
import type { Account } from '#host/account.ts'
import { makeFolder } from '#host/disk.ts'
import { spawnDetached } from '#host/process.ts'
import { EngineError } from '../engine.ts'
import { TEMPLATE_STOP_MS_MAX } from '../limits.ts'
import type { Binaries } from './binaries/binaries.ts'
import { adoptEngine, PostgresProcess, stopEngine, waitUntilReady } from './engine-process.ts'
import { dataOf, logOf, socketsOf, startLogOf } from './layout.ts'
import type { Surroundings } from './surroundings.ts'

interface Aside {
  readonly draft: string
  readonly version: string
  readonly binaries: Binaries
  readonly surroundings: Surroundings
  /** Beside those that every such server has. */
  readonly settings?: Readonly<Record<string, string>>
}

/** Only names the socket: the server does not listen on it. */
const PORT = 5432

export const ENV = { PATH: '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' }

export async function asideSettings(
  draft: string,
  account: Account | undefined,
): Promise<Readonly<Record<string, string>>> {
  return {
    listen_addresses: '',
    unix_socket_directories: await socketsOf(draft, PORT, account),
    unix_socket_permissions: '0700',
    port: String(PORT),
    // It is synced as a whole in the end.
    fsync: 'off',
  }
}

/** The server runs while `work` does, and is stopped in order. Nothing is durable yet: it does not sync. */
export async function withServerAside(
  { draft, version, binaries, surroundings, settings: own = {} }: Aside,
  work: () => Promise<void>,
): Promise<void> {
  await makeFolder(logOf(draft), { mode: 0o700, account: surroundings.account })
  const settings = {
    ...(await asideSettings(draft, surroundings.account)),
    allow_system_table_mods: 'on',
    ...own,
  }
  const args = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  const { account } = surroundings
  const running = await spawnDetached(binaries.postgres, ['-D', dataOf(draft), ...args], {
    env: ENV,
    account,
    outputPath: startLogOf(draft),
  })
  const engine = new PostgresProcess(running)
  try {
    const ready = await waitUntilReady(draft, engine, { signal: new AbortController().signal, surroundings })
    if (!ready) throw new EngineError('failed', `PostgreSQL ${version} does not run on this host`)
    await work()
  } finally {
    await stopEngine(engine, 'fast', { ms: TEMPLATE_STOP_MS_MAX, surroundings })
  }
}

/** Such a server outlives an agent that is killed, like any other engine; nobody would ever adopt this one. */
export async function stopLeftServer(draft: string, surroundings: Surroundings): Promise<void> {
  const server = await adoptEngine(draft, surroundings)
  if (server) await stopEngine(server, 'immediate', { ms: TEMPLATE_STOP_MS_MAX, surroundings })
}
