/** Simulated engines: nothing on disk, no process but this one. The agents' own code runs here, over a driver without processes. */
import { createAgent, type Agent } from '#agent/agent.ts'
import { memoryLogNode } from '#agent/memory-log-node.ts'
import { memoryVolumes, volumesOf } from '#agent/memory-volumes.ts'
import { simulatedHeads } from '#agent/simulated-heads.ts'
import { simulatedEndpoints } from '#control/simulated-endpoints.ts'
import { simulatedDriver } from '#engine/simulated.ts'
import type { Clock } from '#host/clock.ts'
import { makeFolder, removeTree } from '#host/disk.ts'
import { temporaryFolder } from '#host/temporary-folder.ts'
import { residentBytes } from '#host/machine.ts'
import { memoryStore } from '#store/memory-store.ts'
import { openMetrics } from '#telemetry/sqlite-metrics.ts'
import type { Log } from '#telemetry/log.ts'
import { inProcessHosts } from '../in-process-hosts.ts'
import type { Parts } from './parts.ts'

const ZONES = ['a', 'b', 'c'] as const

export async function openSimulatedParts(clock: Clock, log: Log, versions: readonly string[]): Promise<Parts> {
  const agents = new Map<string, Agent>()
  const driver = simulatedDriver({ versions })
  const volumes = memoryVolumes()
  for (const az of ZONES)
    agents.set(
      az,
      await createAgent({
        az,
        store: memoryStore(clock),
        drivers: { postgres: driver },
        volumes: volumesOf(az, volumes),
        logNode: memoryLogNode(),
        clock,
        log,
        probes: false,
        heads: simulatedHeads,
      }),
    )
  const trustFolder = await temporaryFolder('holdfast-simulated-')
  await makeFolder(trustFolder, { mode: 0o700 })
  const store = memoryStore(clock)
  const metrics = openMetrics(':memory:', clock)
  return {
    store,
    hosts: inProcessHosts(agents),
    metrics,
    endpoints: simulatedEndpoints(),
    trustFolder,
    systemVersions: [],
    settle: () => Promise.resolve(),
    prewarm: () => {},
    status: () =>
      Promise.resolve(
        ZONES.map((zone) => ({
          zone,
          agent: { pid: process.pid, residentBytes: residentBytes() },
          instances: agents.get(zone)!.observed().length,
        })),
      ),
    async shutDown() {
      for (const agent of agents.values()) await agent.shutDown()
    },
    async close() {
      await store.close()
      metrics.close()
      await removeTree(trustFolder)
    },
  }
}
