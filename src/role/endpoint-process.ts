/** The endpoint process as others see it: serve and agents start it, serve dials it. */
import { join } from 'node:path'
import type { Log } from '#base/log.ts'
import type { Clock } from '#host/clock.ts'
import { exists, makeFolder, readText } from '#host/disk.ts'
import { socketFolder } from '#host/net.ts'
import { isAlive, spawnDetached, type ProcessIdentity } from '#host/process.ts'
import { MAIN_FILE } from './main-file.ts'
import { roomyLog } from './roomy-log.ts'
import { ENDPOINT_SOCKET, type StateFolder } from './state-folder.ts'

/** How often an agent looks whether the endpoint process lives. */
const LOOK_MS = 1_000

export async function endpointSocket(folder: StateFolder): Promise<string> {
  return join(await socketFolder(folder.endpoint, ENDPOINT_SOCKET), ENDPOINT_SOCKET)
}

/** Starts it, detached. Should one run already, the new one ends by itself. */
export async function launchEndpoint(
  folder: StateFolder,
  env: Readonly<Record<string, string>>,
  log: Log,
): Promise<ProcessIdentity> {
  await makeFolder(folder.endpoint, { mode: 0o700 })
  const outputPath = await roomyLog(join(folder.endpoint, 'endpoint.log'))
  const started = await spawnDetached(process.execPath, [MAIN_FILE, 'endpoint', '--state', folder.root], {
    env,
    outputPath,
  })
  log.info({ pid: started.pid }, 'started the endpoint process')
  return started
}

/** Whether one has been there: then there may be routes. */
export const hasEndpoint = (folder: StateFolder): Promise<boolean> => exists(folder.endpointRoutes)

/** The one that should run. It need not be alive: one that ended in order has taken its name away. */
export async function recordedEndpoint(folder: StateFolder): Promise<ProcessIdentity | undefined> {
  const text = await readText(folder.endpointIdentity)
  return text === undefined ? undefined : (JSON.parse(text) as ProcessIdentity)
}

/** Starts the endpoint process again when it has died, as long as this process lives: serve may be away. */
export function watchEndpoint(
  folder: StateFolder,
  launch: () => Promise<unknown>,
  { clock, log }: { clock: Clock; log: Log },
): void {
  const look = async (): Promise<void> => {
    const identity = await recordedEndpoint(folder)
    if (!identity || isAlive(identity)) return
    log.warn({ pid: identity.pid }, 'the endpoint process has died')
    await launch()
  }
  const again = (): void =>
    void clock.after(LOOK_MS, () => {
      look()
        .catch((error: unknown) => log.error({ error }, 'the endpoint process cannot be started'))
        .finally(again)
    })
  again()
}
