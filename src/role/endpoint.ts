/** The role `endpoint`: the gateways of this machine. Started by serve or an agent, detached: `endpoint --state DIR`. */
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { openControlStream } from '#endpoint/control-stream.ts'
import { openGateways, type RouteTable } from '#endpoint/gateways.ts'
import { systemClock } from '#host/clock.ts'
import { exists, makeFolder, removeTree, writeFileDurably } from '#host/disk.ts'
import { startTimeOf, type ProcessIdentity } from '#host/process.ts'
import { Collection } from '#store/collection.ts'
import type { Store } from '#store/store.ts'
import { openLog } from '#telemetry/log.ts'
import type { Route } from '#wire/endpoint/messages.ts'
import { CANCELLED_FOLDER } from '#wire/postgres/assurance.ts'
import { endpointSocket } from './endpoint-process.ts'
import { openUnlessTaken } from './open-unless-taken.ts'
import { stateFolder } from './state-folder.ts'
import { VERSION } from './version.ts'

/**
 * Carries connections until it is told to end, or has had no route for a while. Ends at once when another process has
 * the lock on the routes' file: there is never more than one.
 */
export async function runEndpoint(argv: readonly string[]): Promise<void> {
  const { state } = parseArgs({ args: [...argv], options: { state: { type: 'string' } } }).values
  if (state === undefined) throw new TypeError('endpoint: --state is needed')
  const level = process.env['HOLDFAST_LOG'] === 'debug' ? 'debug' : 'info'
  const log = openLog({ level, clock: systemClock, destination: process.stderr, fields: { role: 'endpoint' } })
  const folder = stateFolder(state)
  await makeFolder(folder.endpoint, { mode: 0o700 })
  const store = openUnlessTaken(folder.endpointRoutes)
  if (!store) {
    log.info({}, 'another process has the endpoints')
    process.exit(0)
  }
  // Ctrl-C and a closed terminal are for serve, which then says what to do.
  for (const name of ['SIGINT', 'SIGHUP'] as const) process.on(name, () => {})
  const terminated = new Promise<'terminated'>((resolve) => process.once('SIGTERM', () => resolve('terminated')))
  const identity: ProcessIdentity = { pid: process.pid, startedAt: startTimeOf(process.pid) ?? '' }
  await writeFileDurably(folder.endpointIdentity, JSON.stringify(identity), { mode: 0o600 })
  if (await exists(folder.stopping)) {
    log.info({}, 'everything here is being stopped')
    await removeTree(folder.endpointIdentity)
    process.exit(0)
  }
  const gateways = await openGateways({
    table: routeTable(store),
    clock: systemClock,
    log,
    cancelledFolder: ({ name, instance }) =>
      instance && join(folder.host(name), 'instances', instance, CANCELLED_FOLDER),
  })
  const stream = await openControlStream({
    gateways,
    socketPath: await endpointSocket(folder),
    version: VERSION,
    clock: systemClock,
    log,
  })
  log.info({ pid: process.pid, version: VERSION, routes: gateways.observed().length }, 'endpoints are open')
  const why = await Promise.race([stream.ended, terminated])
  log.info({ why }, 'endpoints close')
  // Before anything else: whoever watches over this process shall not start another one now.
  await removeTree(folder.endpointIdentity)
  await gateways.close()
  await store.close()
  stream.close()
  process.exit(0)
}

function routeTable(store: Store): RouteTable {
  const routes = new Collection<Route>(store, 'route/')
  return {
    all: async () => (await routes.list()).map(({ value }) => value),
    async put(route) {
      await store.commit([], [{ op: 'put', key: routes.prefix + route.id, value: JSON.stringify(route) }])
    },
    async delete(id) {
      await store.commit([], [{ op: 'delete', key: routes.prefix + id }])
    },
  }
}
