import { done, flow, go, wait, type Next } from '#flow/flow.ts'
import { NOTHING, together } from '#store/collection.ts'
import {
  auroraClusters,
  auroraImagesSubjectOf,
  auroraTimersOf,
  seedImageOf,
  volumeMembersSubjectOf,
  type AuroraClusterRecord,
} from '../aurora-cluster/record.ts'
import { removeAuroraRoutes } from '../aurora-cluster/routes.ts'
import { releasePort } from '../db-instance/ports.ts'
import { deleteManagedSecret } from '../secrets/managed.ts'
import { imagesOf, volumeImages } from '../volume/images.ts'
import { volumes } from '../volume/record.ts'
import { auroraOf, volumeOf, type AuroraContext as C } from './aurora-context.ts'
import { job, type JobOutcome } from './context.ts'
import { clusterEvent } from './db-cluster-context.ts'
import { restartDeadlineMs } from './limits.ts'
import { removeImages } from './remove-images.ts'
import { withdrawCopies } from './withdraw-copies.ts'

type Step = 'await-members' | 'remove' | 'withdraw' | 'forget' | 'silence'

const LOOK_MS = 1000

/** Deletes an Aurora cluster with its volume, once the last of its instances, which are on their way out, is gone. */
export const deleteAuroraCluster = flow(
  'delete-aurora-cluster',
  { exhausted: 'await-members', policy: { deadlineMs: restartDeadlineMs } },
  {
    'await-members': async (c: C): Promise<Next<Step>> => {
      const au = await auroraOf(c)
      if (!au) return done('deleted')
      return au.cluster.members.length > 0 ? wait({ timeoutMs: LOOK_MS }) : go('remove')
    },

    remove: async (c: C): Promise<Next<Step>> => {
      const au = await auroraOf(c)
      if (!au) return done('deleted')
      // It may be making a copy. Woken, it sees that the cluster goes, and ends.
      if (await c.control.flows.of(volumeMembersSubjectOf(c.input.key))) {
        c.control.flows.wakeSubjects(auroraTimersOf(c.input.key))
        return wait({ timeoutMs: LOOK_MS })
      }
      await removeAuroraRoutes(c.control, au.cluster)
      // Whoever makes images ends when he finds that the cluster goes, and begins no other one.
      const images = auroraImagesSubjectOf(c.input.key)
      c.control.flows.wakeSubjects(images)
      if (await c.control.flows.of(images)) return wait({ timeoutMs: LOOK_MS })
      // What the flow that was alive had begun must not make again what is taken away.
      for (const zone of c.control.hosts.zones) await c.control.hosts.cancelJobs(zone, `${au.cluster.resourceId}/`)
      return go('withdraw')
    },

    /** The copies of the log, the image that they began with, and all later ones. */
    withdraw: async (c: C): Promise<Next<Step>> => {
      const au = await auroraOf(c)
      if (!au) return done('deleted')
      const volume = (await volumeOf(c.control, au))?.value
      if (!volume) return go('forget')
      if (volume.seed) await withdrawCopies(c.control, volume)
      const { images, leaving, making } = await imagesOf(c.control, au.cluster, volume.id)
      if (!(await removeImages(c, au.cluster, [...images, ...leaving, ...(making ? [making] : [])]))) return wait()
      const outcome = await removeImage(c, au.cluster)
      if (outcome.state === 'pending') return wait()
      if (outcome.state === 'failed') throw new Error(`remove the image: ${outcome.error.message}`)
      return go('forget')
    },

    forget: async (c: C): Promise<Next<Step>> => {
      const au = await auroraOf(c)
      if (!au) return done('deleted')
      const { held, cluster } = au
      const volume = await volumeOf(c.control, au)
      const images = await volumeImages(c.control, cluster).get(cluster.resourceId)
      for (const zone of c.control.hosts.zones) await c.control.hosts.forgetJobs(zone, `${cluster.resourceId}/`)
      const { secretArn } = cluster.master
      return go(
        'silence',
        together(
          auroraClusters(c.control, cluster).remove(held),
          volume ? volumes(c.control, cluster).remove(volume) : NOTHING,
          images ? volumeImages(c.control, cluster).remove(images) : NOTHING,
          ...(c.control.simulated ? [] : portsOf(cluster).map(releasePort)),
          secretArn === undefined ? NOTHING : await deleteManagedSecret(c.control, cluster, secretArn),
          clusterEvent(c.control, cluster, 'RDS-EVENT-0171'),
        ),
      )
    },

    /** What kept the cluster finds that it is gone, and ends. */
    silence: async (c: C): Promise<Next<Step>> => {
      c.control.flows.wakeSubjects(auroraTimersOf(c.input.key))
      return done('deleted')
    },
  },
)

const removeImage = (c: C, cluster: AuroraClusterRecord): Promise<JobOutcome<'snapshot.remove'>> =>
  job(c, {
    zone: c.control.hosts.zones[0]!,
    resourceId: cluster.resourceId,
    name: `remove-seed-${c.failures}`,
    kind: 'snapshot.remove',
    input: async () => ({ snapshotId: seedImageOf(cluster) }),
  })

const portsOf = ({ port, readerPort, endpoints }: AuroraClusterRecord): number[] => [
  port,
  readerPort,
  ...endpoints.map((endpoint) => endpoint.port),
]
