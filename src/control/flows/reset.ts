import { done, flow, go, wait } from '#flow/flow.ts'
import type { Op } from '#store/store.ts'
import type { Mutation } from '#store/collection.ts'
import type { HostContents } from '#wire/agent/host-facts.ts'
import { volumesOf } from '../aurora-cluster/backtracks.ts'
import { everyAuroraCluster } from '../aurora-cluster/find.ts'
import { removeAuroraRoutes } from '../aurora-cluster/routes.ts'
import { everyCluster } from '../db-cluster/find.ts'
import { removeClusterRoutes } from '../db-cluster/routes.ts'
import { everyInstance } from '../db-instance/find.ts'
import { zonesInUse } from '../db-instance/zones.ts'
import { withdrawCopies } from './withdraw-copies.ts'
import { RESET_SUBJECT } from '../reset/reset.ts'
import { job, type FlowContext } from './context.ts'

type C = FlowContext<unknown>

/** Everything that users made, and what was kept for it. Keys of trust and of flows are not under these. */
const USER_PREFIXES = ['rds/', 'ec2/', 'secretsmanager/', 'db-instance-name/', 'read-replica/', 'log-node/', 'port/']

/** Commits have a limit of operations; a flow has two keys. */
const FLOWS_AT_ONCE = 200

/** Gateways of everything that has any; asked for again, they are gone already. */
async function removeGateways({ control }: C): Promise<void> {
  for await (const { value } of everyInstance(control))
    if (value.copyPorts) await control.endpoints.remove(value.resourceId)
  for await (const { value } of everyCluster(control)) await removeClusterRoutes(control, value)
  for (const cluster of await everyAuroraCluster(control)) await removeAuroraRoutes(control, cluster)
}

const isEmpty = ({ instances, snapshots }: HostContents): boolean => instances.length + snapshots.length === 0

/** Hosts that were never used have nothing, and need not be started to say so. The first one sees all snapshots. */
async function zonesToWipe(c: C): Promise<string[]> {
  const { hosts } = c.control
  const used = await zonesInUse(c.control)
  return hosts.zones.filter((zone, index) => index === 0 || used.includes(zone) || hosts.isConnected(zone))
}

/** Ends all other flows, then all engines, then all records; whatever was made meanwhile goes in another round. */
export const resetEverything = flow(
  'reset',
  { exhausted: 'silence' },
  {
    silence: async (c: C) => {
      const others = (await c.control.flows.list()).filter(({ subject }) => subject !== RESET_SUBJECT)
      const ops: Op[] = others
        .slice(0, FLOWS_AT_ONCE)
        .flatMap(({ id, subject }) => c.control.flows.removal(id, subject))
      const writes: Mutation = { compares: [], ops }
      return others.length > FLOWS_AT_ONCE ? go('silence', writes) : go('stop', writes)
    },

    stop: async (c: C) => {
      const { hosts } = c.control
      let pending = false
      for (const zone of await zonesToWipe(c)) {
        const leftovers = await hosts.ask(zone, 'host.contents', {})
        if (isEmpty(leftovers)) continue
        await hosts.cancelJobs(zone, '')
        for (const id of leftovers.instances) {
          const request = { zone, resourceId: id, name: `remove-${c.failures}`, kind: 'instance.remove' as const }
          const outcome = await job(c, { ...request, input: async () => ({ id }) })
          if (outcome.state === 'failed') throw new Error(`remove ${id}: ${outcome.error.message}`)
          pending ||= outcome.state === 'pending'
        }
        for (const id of leftovers.snapshots) {
          const request = { zone, resourceId: id, name: `remove-${c.failures}`, kind: 'snapshot.remove' as const }
          const outcome = await job(c, { ...request, input: async () => ({ snapshotId: id }) })
          if (outcome.state === 'failed') throw new Error(`remove ${id}: ${outcome.error.message}`)
          pending ||= outcome.state === 'pending'
        }
      }
      return pending ? wait() : go('withdraw')
    },

    /** Copies of volumes, which no host tells of by itself. */
    withdraw: async (c: C) => {
      for (const cluster of await everyAuroraCluster(c.control)) {
        // One that was never made has no image, and no log node was asked for a copy.
        for (const volume of await volumesOf(c.control, cluster))
          if (volume.seed) await withdrawCopies(c.control, volume)
      }
      return go('unarchive')
    },

    /** Now that nobody writes into the archive any more. */
    unarchive: async (c: C) => {
      const zone = (await zonesToWipe(c))[0]!
      const outcome = await job(c, {
        zone,
        resourceId: 'archive',
        name: `trim-${c.failures}`,
        kind: 'archive.trim',
        input: async () => ({ prefix: '', keep: [] }),
      })
      if (outcome.state === 'failed') throw new Error(`empty the archive: ${outcome.error.message}`)
      return outcome.state === 'pending' ? wait() : go('wipe')
    },

    wipe: async (c: C) => {
      const { hosts } = c.control
      for (const zone of await zonesToWipe(c)) {
        if (!isEmpty(await hosts.ask(zone, 'host.contents', {}))) return go('silence')
        await hosts.forgetJobs(zone, '')
      }
      await removeGateways(c)
      c.control.metrics.clear()
      return done('wiped', { compares: [], ops: USER_PREFIXES.map((prefix) => ({ op: 'delete-prefix', prefix })) })
    },
  },
)
