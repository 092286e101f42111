import { done, flow, go, wait, type Next } from '#flow/flow.ts'
import { NOTHING, together } from '#store/collection.ts'
import { MINUTE_MS } from '#base/durations.ts'
import { forgetBacktracks, volumesOf } from '../aurora-cluster/backtracks.ts'
import { isBeingCloned } from '../aurora-cluster/clones.ts'
import {
  auroraClusters,
  auroraImagesSubjectOf,
  auroraTimersOf,
  volumeMembersSubjectOf,
  type AuroraClusterRecord,
} from '../aurora-cluster/record.ts'
import { removeAuroraRoutes } from '../aurora-cluster/routes.ts'
import { strandKey } from '../aurora-cluster/strands.ts'
import { releasePort } from '../db-instance/ports.ts'
import { deleteManagedSecret } from '../secrets/managed.ts'
import { everyImageOf, imagesOf, volumeImages } from '../volume/images.ts'
import { volumes } from '../volume/record.ts'
import { OF_CLUSTERS } from '../cluster/snapshot-kind.ts'
import type { SnapshotRef } from '../db-snapshot/kind.ts'
import { archivePrefix } from '../db-instance/spec.ts'
import { archiveVolume } from '../volume/archived.ts'
import { auroraOf, changeAurora, volumeOf, type AuroraInput } from './aurora-context.ts'
import { auroraTimers } from './aurora-timers.ts'
import { removeBackups } from './back-up-db-cluster.ts'
import type { FlowContext } from './context.ts'
import { copyVolumeAtRest } from './copy-volume-at-rest.ts'
import { findClusterSnapshot, UNCERTAIN } from './db-cluster-snapshot-flows.ts'
import { snapshotFailed, snapshotSucceeded } from './snapshot-writes.ts'
import { clusterEvent } from './db-cluster-context.ts'
import { restartDeadlineMs } from './limits.ts'
import { removeImages } from './remove-images.ts'
import { withdrawCopies } from './withdraw-copies.ts'

interface Input extends AuroraInput {
  /** The snapshot that is to be left. */
  readonly final?: SnapshotRef
}
type C = FlowContext<Input>
type Step = 'await-members' | 'snapshot' | 'keep' | 'remove' | 'withdraw' | 'backups' | 'forget' | 'silence'

const LOOK_MS = 1000

/** Deletes an Aurora cluster with its volume, once the last of its instances, which are on their way out, is gone. */
export const deleteAuroraCluster = flow(
  'delete-aurora-cluster',
  { exhausted: 'await-members', policy: { deadlineMs: restartDeadlineMs } },
  {
    'await-members': async (c: C): Promise<Next<Step>> => {
      const au = await auroraOf(c)
      if (!au) return done('deleted')
      // A clone that is being made needs what is here until it has begun, which takes it seconds.
      if (au.cluster.members.length > 0 || (await isBeingCloned(c.control, c.input.key)))
        return wait({ timeoutMs: LOOK_MS })
      return go(c.input.final ? 'snapshot' : 'remove')
    },

    /** Of everything that was acknowledged. Where that cannot be had, the cluster stays. */
    snapshot: async (c: C): Promise<Next<Step>> => {
      const au = await auroraOf(c)
      if (!au) return done('deleted')
      const { key, final } = c.input
      const held = final && (await findClusterSnapshot(c.control, key, final))
      if (!held || held.value.status === 'available') return go('remove')
      const volume = (await volumeOf(c.control, au))?.value
      if (volume?.seed) await archiveVolume(c.control, volume, archivePrefix(strandKey(key, volume.id)))
      const outcome = await copyVolumeAtRest(c, { key, snapshot: held.value })
      if (outcome.state === 'succeeded')
        return go('remove', snapshotSucceeded(c.control, OF_CLUSTERS, held, outcome.result))
      if (outcome.state === 'unready' && c.spentMs > FINAL_MS_MAX)
        return go('keep', snapshotFailed(c.control, OF_CLUSTERS, held, UNCERTAIN))
      if (outcome.state === 'failed')
        return go('keep', snapshotFailed(c.control, OF_CLUSTERS, held, outcome.error.message))
      return wait({ timeoutMs: LOOK_MS })
    },

    keep: async (c: C): Promise<Next<Step>> => {
      const au = await auroraOf(c)
      if (!au) return done('deleted')
      const { key, final } = c.input
      const complaint = (await findClusterSnapshot(c.control, key, final!))?.value.complaint
      for (const zone of c.control.hosts.zones)
        if (c.control.hosts.isConnected(zone)) await c.control.hosts.forgetJobs(zone, `${key.resourceId}/${c.flowId}/`)
      return done(
        'not deleted',
        changeAurora(c.control, au, { phase: 'available', complaint: `The final snapshot failed: ${complaint}` }),
        await auroraTimers(c.control, au.cluster),
      )
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
      const all = await volumesOf(c.control, au.cluster)
      for (const volume of all) if (volume.seed) await withdrawCopies(c.control, volume)
      const images = await Promise.all(
        all.map(async (volume) =>
          everyImageOf(volume, await imagesOf(c.control, au.cluster, volume.id), c.control.hosts.zones[0]!),
        ),
      )
      return (await removeImages(c, au.cluster, images.flat())) ? go('backups') : wait()
    },

    /** Now that nobody writes into the archive any more. */
    backups: async (c: C): Promise<Next<Step>> => {
      const removal = await removeBackups(c, c.control.hosts.zones[0]!)
      return removal === 'pending' ? wait() : go('forget', removal)
    },

    forget: async (c: C): Promise<Next<Step>> => {
      const au = await auroraOf(c)
      if (!au) return done('deleted')
      const { held, cluster } = au
      const volume = await volumeOf(c.control, au)
      const all = await volumesOf(c.control, cluster)
      const images = await Promise.all(all.map(({ id }) => volumeImages(c.control, cluster).get(id)))
      for (const zone of c.control.hosts.zones) await c.control.hosts.forgetJobs(zone, `${cluster.resourceId}/`)
      const { secretArn } = cluster.master
      return go(
        'silence',
        together(
          auroraClusters(c.control, cluster).remove(held),
          volume ? volumes(c.control, cluster).remove(volume) : NOTHING,
          ...images.map((held) => (held ? volumeImages(c.control, cluster).remove(held) : NOTHING)),
          await forgetBacktracks(c.control, cluster),
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

/** The archive has what it can have within seconds, if it can be reached at all. */
const FINAL_MS_MAX = 5 * MINUTE_MS

const portsOf = ({ port, readerPort, endpoints }: AuroraClusterRecord): number[] => [
  port,
  readerPort,
  ...endpoints.map((endpoint) => endpoint.port),
]
