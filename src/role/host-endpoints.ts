/** The endpoint process of this machine, as serve starts and reaches it. */
import type { Log } from '#base/log.ts'
import { connectEndpoints, type ConnectedEndpoints } from '#control/connected-endpoints.ts'
import { systemClock } from '#host/clock.ts'
import { dial } from '#host/net.ts'
import { isAlive, signal, whenGone, type ProcessIdentity } from '#host/process.ts'
import { endpointSocket, hasEndpoint, launchEndpoint, recordedEndpoint } from './endpoint-process.ts'
import { environmentOf } from './process-environment.ts'
import { stateFolder } from './state-folder.ts'

interface HostEndpointsOptions {
  /** Absolute path of the state folder, which exists. */
  readonly state: string
  readonly log: Log
  readonly env: Readonly<Record<string, string | undefined>>
}

/** Starts the process if there are routes, and otherwise when there is one. The caller closes it, which leaves it running. */
export async function openHostEndpoints({ state, log, env }: HostEndpointsOptions): Promise<ConnectedEndpoints> {
  const folder = stateFolder(state)
  const { HOLDFAST_CRASH_AT: crashAt, ...plain } = environmentOf(env)
  let started: ProcessIdentity | undefined
  const endpoints = connectEndpoints({
    dial: async () => dial({ path: await endpointSocket(folder) }),
    async launch() {
      // One that was killed at a crash point must not be killed there again.
      const again = started !== undefined || crashAt === undefined
      started = await launchEndpoint(folder, again ? plain : { ...plain, HOLDFAST_CRASH_AT: crashAt }, log)
    },
    clock: systemClock,
    log,
  })
  if (await hasEndpoint(folder)) endpoints.rouse()
  return {
    ...endpoints,
    async shutDown() {
      await endpoints.shutDown()
      // One that an earlier serve left, or that has only just been started, may not have been dialled yet.
      for (const identity of [started, await recordedEndpoint(folder)]) {
        if (!identity || !isAlive(identity)) continue
        signal(identity, 'SIGTERM')
        await whenGone(identity)
      }
    },
  }
}
