/** The role `serve`: control plane and API in one process. Wires the rooms together; no logic of its own. */
import { once } from 'node:events'
import type { Server } from 'node:http'
import type { AccessKeys as DoorKeys } from '#api/access.ts'
import { createApiServer } from '#api/server.ts'
import { serviceDoors } from '#api/services.ts'
import { messageOf } from '#base/trouble.ts'
import { npmPostgresVersions } from '#catalog/postgres-versions.ts'
import type { Control } from '#control/control.ts'
import { watchIdleInstances } from '#control/aurora-cluster/auto-pause.ts'
import { scaleTogether } from '#control/aurora-cluster/scale-together.ts'
import { watchAuroraReplicas } from '#control/aurora-cluster/watch-replicas.ts'
import { watchAuroraWriters } from '#control/aurora-cluster/watch-writers.ts'
import { controlFlows } from '#control/db-cluster/flow-control.ts'
import { availableVersions } from '#control/engine-version/available.ts'
import { flowIdOfJob } from '#control/flows/context.ts'
import { flowDefinitions } from '#control/flows/definitions.ts'
import { holdCommits } from '#control/global-cluster/hold-commits.ts'
import { watchGlobalLag } from '#control/global-cluster/watch-lag.ts'
import { collectMetrics } from '#control/metrics/collect.ts'
import { watchReplicas } from '#control/read-replica/watch.ts'
import { watchInstances } from '#control/flows/watch.ts'
import { watchMaintenance } from '#control/maintenance/watch.ts'
import { watchCopies } from '#control/multi-az/watch.ts'
import { watchStorage } from '#control/storage/watch.ts'
import type { FlowDefinition, FlowFacts } from '#flow/flow.ts'
import { createFlowRunner, type FlowRunner } from '#flow/runner.ts'
import { systemClock } from '#host/clock.ts'
import { crashPoint } from '#host/crash-point.ts'
import { memoryBytes, processors } from '#host/machine.ts'
import { isPortFree } from '#host/net.ts'
import { systemRandom } from '#host/random.ts'
import { openLog, type Log } from '#telemetry/log.ts'
import { readAccessKeys, type AccessKeys } from '#trust/access-keys.ts'
import { openAuthority } from '#trust/open-authority.ts'
import { openVault } from '#trust/open-vault.ts'
import type { Vault } from '#trust/vault.ts'
import { endpointPorts } from './serve/endpoint-ports.ts'
import { holdfastExtras } from './serve/extras.ts'
import type { Parts } from './serve/parts.ts'
import { openRealParts } from './serve/real-parts.ts'
import { openSimulatedParts } from './serve/simulated-parts.ts'
import { failoverPauseMs } from './serve/failover-pause.ts'
import { greeting } from './serve/greeting.ts'
import { regionLatencyMs } from './serve/region-latency.ts'
import { requireCapacity } from './serve/capacity.ts'
import { numberIn } from './serve/number-in.ts'
import { storageScale } from './serve/storage-scale.ts'
import { StartError } from './serve/start-error.ts'
import { requireVolumes } from './serve/volumes.ts'
import { VERSION } from './version.ts'

export interface ServeOptions {
  readonly port: number
  readonly state: string
  readonly engines: 'real' | 'simulated'
  readonly host: string
  readonly accessKeysFile: string | undefined
}

const LOOPBACK = new Set(['127.0.0.1', '::1', 'localhost'])

/** Resolves when Holdfast has stopped in order. Throws {@link StartError} for what a person has to put right first. */
export async function runServe(options: ServeOptions): Promise<void> {
  const log = openLog({
    level: process.env['HOLDFAST_LOG'] === 'debug' ? 'debug' : 'warn',
    clock: systemClock,
    destination: process.stderr,
  })
  // Whoever read what this prints may be gone; that is no reason to stop answering.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})
  const keys = await accessKeys(options)
  requireCapacity(process.env)
  if (options.engines === 'simulated') await requireVolumes(process.env, { state: undefined, clock: systemClock })
  const parts =
    options.engines === 'simulated'
      ? await openSimulatedParts(systemClock, log, npmPostgresVersions)
      : await openRealParts({ state: options.state, clock: systemClock, log, systemVersions: await systemVersions() })
  try {
    await serveUntilStopped(options, { keys, parts, log })
  } finally {
    await parts.close()
  }
}

/** Only asked for: serve runs no engine. */
async function systemVersions(): Promise<string[]> {
  const { systemPostgresVersions } = await import('#engine/postgres.ts')
  return systemPostgresVersions(process.env)
}

/** Beyond loopback nobody may come in without a key. */
async function accessKeys(options: ServeOptions): Promise<AccessKeys> {
  const keys = await readAccessKeys({ text: process.env['HOLDFAST_ACCESS_KEYS'], file: options.accessKeysFile })
  if (keys.count === 0 && !LOOPBACK.has(options.host))
    throw new StartError(
      `Holdfast does not listen on ${options.host} without access keys.`,
      'Set HOLDFAST_ACCESS_KEYS=id:secret, or give --access-keys FILE, and start again.',
    )
  return keys
}

interface Running {
  readonly keys: AccessKeys
  readonly parts: Parts
  readonly log: Log
}

/** What looks again and again, as long as serve runs. */
const WATCHES = [
  collectMetrics,
  controlFlows,
  scaleTogether,
  watchIdleInstances,
  watchAuroraWriters,
  watchAuroraReplicas,
  watchGlobalLag,
  holdCommits,
]

async function serveUntilStopped(options: ServeOptions, { keys, parts, log }: Running): Promise<void> {
  const simulated = options.engines === 'simulated'
  const { store, hosts, endpoints } = parts
  let runner: FlowRunner | undefined
  const control: Control = {
    store,
    hosts,
    endpoints,
    clock: systemClock,
    random: systemRandom,
    vault: await vaultIn(parts.trustFolder),
    authority: openAuthority(parts.trustFolder, systemClock, systemRandom),
    versions: availableVersions({ simulated, system: parts.systemVersions }),
    hostMemoryBytes: memoryBytes(),
    hostVcpus: processors(),
    storageScale: storageScale(process.env),
    pauseSpeed: numberIn(process.env, 'HOLDFAST_PAUSE_SPEED', { least: 1, usual: 1 }),
    metrics: parts.metrics,
    isPortFree: (port) => isPortFree(engineAddress(options.host), port),
    ports: endpointPorts(process.env['HOLDFAST_ENGINE_PORTS']),
    advertised: { hostname: advertisedName(options.host), listenAddress: engineAddress(options.host) },
    failoverPauseMs: failoverPauseMs(process.env['HOLDFAST_FAILOVER_PAUSE_MS']),
    // Nothing is sent from one simulated engine to another.
    regionLatencyMs: simulated ? 0 : regionLatencyMs(process.env['HOLDFAST_REGION_LATENCY_MS']),
    simulated,
    auroraPreview: process.env['HOLDFAST_AURORA'] === 'preview',
    get flows() {
      return runner!
    },
  }
  runner = createFlowRunner({
    store,
    clock: systemClock,
    random: systemRandom,
    log,
    definitions: flowDefinitions,
    contextOf: (facts: FlowFacts<unknown>, _definition: FlowDefinition) => ({ ...facts, control }),
    crashPoint: (name) => crashPoint(`flow:${name}`),
  })
  hosts.onReport((report) => {
    if (report.type === 'job') {
      const flowId = flowIdOfJob(report.jobId)
      if (flowId !== undefined) runner.wake(flowId)
    } else if (report.type === 'connected') runner.wakeSubjects('')
  })
  watchInstances(control, log)
  watchCopies(control, log)
  watchReplicas(control, log)
  watchStorage(control, log)

  const stop = Promise.withResolvers<'stop' | 'keep'>()
  // Before anything is started or said: a Ctrl-C that comes earlier than it is listened for would leave agents behind.
  const ordered = stopOrder(stop.promise)
  const server = createApiServer({
    control,
    services: serviceDoors,
    accessKeys: doorKeys(keys),
    extras: holdfastExtras({ control, parts, stop: stop.resolve, startedAt: systemClock.now() }),
    log,
  })
  await listen(server, options)
  await runner.run()
  await parts.settle(control)
  process.stdout.write(greeting(options, portOf(server)))
  parts.prewarm(control)
  const watching = WATCHES.map((watch) => watch(control, log))
  const maintenance = watchMaintenance(control, log)
  const engines = await ordered
  for (const watch of watching) watch.stop()
  await maintenance.stop()
  await stopInOrder({ server, runner, parts, log, engines })
}

async function vaultIn(folder: string): Promise<Vault> {
  try {
    return await openVault(folder)
  } catch (error) {
    throw new StartError(
      messageOf(error),
      'Put the file right, or start with another folder: npm start -- --state DIR',
      {
        cause: error,
      },
    )
  }
}

const doorKeys = (keys: AccessKeys): DoorKeys =>
  keys.count === 0
    ? { verify: false }
    : { verify: true, secretOf: (id) => keys.secretOf(id), accountOf: (id) => keys.accountOf(id)! }

/** Engines listen where the API does: on loopback by default. */
const engineAddress = (host: string): string => (host === 'localhost' ? '127.0.0.1' : host)

const advertisedName = (host: string): string =>
  LOOPBACK.has(host) || host === '0.0.0.0' || host === '::' ? 'localhost' : host

const portOf = (server: Server): number => {
  const address = server.address()
  return typeof address === 'object' && address ? address.port : 0
}

async function listen(server: Server, options: ServeOptions): Promise<void> {
  server.listen({ port: options.port, host: options.host })
  try {
    await once(server, 'listening')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE')
      throw new StartError(
        `Port ${options.port} on ${options.host} is in use.`,
        `Stop what listens there, or choose another: npm start -- --port ${options.port + 1}`,
      )
    throw new StartError(
      `Holdfast cannot listen on ${options.host}:${options.port}: ${messageOf(error)}`,
      'Choose another --host or --port.',
    )
  }
}

/** Ctrl-C, a terminal that closes and an ordinary kill all stop everything in order; a second one does not wait. */
async function stopOrder(asked: Promise<'stop' | 'keep'>): Promise<'stop' | 'keep'> {
  const signalled = Promise.withResolvers<'stop'>()
  let count = 0
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(name, () => {
      count++
      if (count > 1) process.exit(130)
      signalled.resolve('stop')
    })
  return Promise.race([asked, signalled.promise])
}

interface Stopping {
  readonly server: Server
  readonly runner: FlowRunner
  readonly parts: Parts
  readonly log: Log
  readonly engines: 'stop' | 'keep'
}

async function stopInOrder({ server, runner, parts, log, engines }: Stopping): Promise<void> {
  process.stdout.write(engines === 'stop' ? '\nStopping engines …\n' : '\nStopping; engines go on.\n')
  const closed = once(server, 'close')
  server.close()
  server.closeIdleConnections()
  await runner.halt()
  if (engines === 'stop') await parts.shutDown()
  server.closeAllConnections()
  await closed
  log.info({ version: VERSION, engines }, 'stopped')
  process.stdout.write('Stopped.\n')
}
