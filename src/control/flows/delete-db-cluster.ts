import { done, flow, go, wait } from '#flow/flow.ts'
import { NOTHING, together } from '#store/collection.ts'
import { removeClusterRoutes } from '../db-cluster/routes.ts'
import { dbClusters, type DbClusterRecord } from '../db-cluster/record.ts'
import { releasePort } from '../db-instance/ports.ts'
import { dbInstanceNames, dbInstances, nameIndexOf } from '../db-instance/record.ts'
import { deleteManagedSecret } from '../secrets/managed.ts'
import { instanceEvent, jobOn } from './context.ts'
import { removeBackups } from './back-up-db-cluster.ts'
import { clusterEvent, clusterOf, type ClusterContext as C, type HeldCluster } from './db-cluster-context.ts'
import { restartDeadlineMs } from './limits.ts'

/** Deletes a cluster with its members, whatever it was doing: this flow has taken the place of the one that was alive. */
export const deleteDbCluster = flow(
  'delete-db-cluster',
  {
    exhausted: 'cancel',
    steps: { remove: { deadlineMs: restartDeadlineMs }, backups: { deadlineMs: restartDeadlineMs } },
  },
  {
    cancel: async (c: C) => {
      const cl = await clusterOf(c)
      if (!cl) return done('deleted')
      for (const { zone, resourceId } of cl.cluster.members) {
        await c.control.hosts.cancelJobs(zone, `${resourceId}/`)
        await c.control.hosts.cancelJobs(zone, `${cl.cluster.resourceId}/`)
      }
      return go('remove')
    },

    remove: async (c: C) => {
      const cl = await clusterOf(c)
      if (!cl) return done('deleted')
      await removeClusterRoutes(c.control, cl.cluster)
      return (await isRemoved(c, cl)) ? go('backups') : wait()
    },

    /** Now that nobody writes into the archive any more. */
    backups: async (c: C) => {
      const cl = await clusterOf(c)
      if (!cl) return done('deleted')
      const removal = await removeBackups(c, cl.cluster.writer)
      return removal === 'pending' ? wait() : go('forget', removal)
    },

    forget: async (c: C) => {
      const cl = await clusterOf(c)
      if (!cl) return done('deleted')
      const { held, cluster } = cl
      // The keeper is gone, but what its last step began may have come after what took it away.
      if (await isLeftOver(c, cluster)) return go('cancel')
      for (const { zone, resourceId } of cluster.members) {
        await c.control.hosts.forgetJobs(zone, `${resourceId}/`)
        await c.control.hosts.forgetJobs(zone, `${cluster.resourceId}/`)
      }
      const members = [...cl.members.values()]
      const names = await Promise.all(members.map(({ value }) => dbInstanceNames(c.control).get(nameIndexOf(value))))
      const { secretArn } = cluster.master
      return done(
        'deleted',
        together(
          dbClusters(c.control, cluster).remove(held),
          ...members.map((member) => dbInstances(c.control, cluster).remove(member)),
          ...names.map((name) => (name ? dbInstanceNames(c.control).remove(name) : NOTHING)),
          ...(c.control.simulated ? [] : portsOf(cl).map(releasePort)),
          secretArn === undefined ? NOTHING : await deleteManagedSecret(c.control, cluster, secretArn),
          ...members.map(({ value }) => instanceEvent(c.control, value, 'RDS-EVENT-0003')),
          clusterEvent(c.control, cluster, 'RDS-EVENT-0171'),
        ),
      )
    },
  },
)

/** Every member, and the copies that readers were to be made from. */
async function isRemoved(c: C, { cluster }: HeldCluster): Promise<boolean> {
  const removed = await Promise.all(
    cluster.members.map(async (member) => {
      const { resourceId, seedId } = member
      const outcomes = [
        await jobOn(c, member, {
          // A failed removal is tried again under another name: the host still remembers the first.
          name: `remove-${c.enteredAt}-${c.failures}`,
          kind: 'instance.remove',
          input: async () => ({ id: resourceId }),
        }),
      ]
      if (seedId !== undefined)
        outcomes.push(
          await jobOn(c, member, {
            name: `remove-seed-${c.enteredAt}-${c.failures}`,
            kind: 'snapshot.remove',
            input: async () => ({ snapshotId: seedId }),
          }),
        )
      for (const outcome of outcomes)
        if (outcome.state === 'failed') throw new Error(`remove ${resourceId}: ${outcome.error.message}`)
      return outcomes.every(({ state }) => state === 'succeeded')
    }),
  )
  return removed.every((one) => one)
}

async function isLeftOver(c: C, { members }: DbClusterRecord): Promise<boolean> {
  const left = await Promise.all(
    members.map(async ({ zone, resourceId, seedId }) => {
      const { instances, snapshots } = await c.control.hosts.ask(zone, 'host.contents', {})
      return instances.includes(resourceId) || (seedId !== undefined && snapshots.includes(seedId))
    }),
  )
  return left.some((one) => one)
}

const portsOf = ({ cluster, members }: HeldCluster): number[] => [
  cluster.port,
  cluster.readerPort,
  ...[...members.values()].flatMap(({ value }) => [value.port, ...Object.values(value.copyPorts?.byZone ?? {})]),
]
