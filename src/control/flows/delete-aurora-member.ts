import { done, flow, go, wait, type Next } from '#flow/flow.ts'
import { NOTHING, together, type Held } from '#store/collection.ts'
import { withoutMember } from '../aurora-cluster/custom-endpoint.ts'
import { auroraSubjectOf, isWriter } from '../aurora-cluster/record.ts'
import { routeCluster } from '../aurora-cluster/routes.ts'
import { releasePort } from '../db-instance/ports.ts'
import {
  dbInstanceNames,
  dbInstances,
  nameIndexOf,
  parametersSubjectOf,
  type DbInstanceRecord,
} from '../db-instance/record.ts'
import { restVolume } from '../volume/epochs.ts'
import { volumes } from '../volume/record.ts'
import { changeAurora, heldAurora, type HeldAurora } from './aurora-context.ts'
import { instanceEvent, instanceOf, jobOn, type FlowContext, type InstanceInput } from './context.ts'
import { fenceDeadlineMs, restartDeadlineMs } from './limits.ts'

type C = FlowContext<InstanceInput>
type Step = 'cancel' | 'hand-over' | 'remove' | 'forget' | 'silence'

const LOOK_MS = 1000

interface Found {
  readonly held: Held<DbInstanceRecord>
  readonly record: DbInstanceRecord
  readonly au: HeldAurora
}

async function found(c: C): Promise<Found | undefined> {
  const held = await instanceOf(c)
  const au = held && (await heldAurora(c.control, held.value.cluster!))
  return held && au && { held, record: held.value, au }
}

/**
 * Deletes an instance of an Aurora cluster, whatever it was doing: this flow has taken the place of the one that was alive.
 * A writer hands over to a reader first. The last instance leaves the volume at rest, for another one to write.
 */
export const deleteAuroraMember = flow(
  'delete-aurora-member',
  { exhausted: 'cancel', policy: { deadlineMs: restartDeadlineMs } },
  {
    cancel: async (c: C): Promise<Next<Step>> => {
      const it = await found(c)
      if (!it) return done('deleted')
      await c.control.hosts.cancelJobs(it.record.zone, `${it.record.resourceId}/`)
      return go('hand-over')
    },

    'hand-over': async (c: C): Promise<Next<Step>> => {
      const it = await found(c)
      if (!it) return done('deleted')
      const { record, au } = it
      const { cluster } = au
      if (!isWriter(cluster, record)) return go('remove')
      const heirs = [...au.members.values()].filter(({ value }) => value.phase !== 'deleting')
      if (heirs.length === 0) {
        if ((await end(c, record)) === 'pending') return wait({ timeoutMs: fenceDeadlineMs })
        const volume = await volumes(c.control, cluster).get(cluster.resourceId)
        return go(
          'remove',
          changeAurora(c.control, au, { writer: undefined, isOpen: false }),
          volume ? volumes(c.control, cluster).update(volume, restVolume(volume.value)) : NOTHING,
        )
      }
      const subject = auroraSubjectOf(record.cluster!)
      if (await c.control.flows.of(subject)) return wait({ timeoutMs: LOOK_MS })
      const because = `The DB instance ${record.id} is deleted.`
      const { writes } = c.control.flows.start('start-aurora-writer', subject, {
        key: record.cluster!,
        why: 'delete',
        because,
      })
      return wait({ timeoutMs: LOOK_MS }, writes)
    },

    remove: async (c: C): Promise<Next<Step>> => {
      const it = await found(c)
      if (!it) return done('deleted')
      const { resourceId } = it.record
      await routeCluster(c.control, it.au.cluster)
      await c.control.endpoints.remove(resourceId)
      const outcome = await jobOn(c, it.record, {
        // A failed removal is tried again under another name: the host still remembers the first.
        name: `remove-${c.failures}`,
        kind: 'instance.remove',
        input: async () => ({ id: resourceId }),
      })
      if (outcome.state === 'pending') return wait()
      if (outcome.state === 'failed') throw new Error(`remove ${resourceId}: ${outcome.error.message}`)
      return go('forget')
    },

    forget: async (c: C): Promise<Next<Step>> => {
      const it = await found(c)
      if (!it) return done('deleted')
      const { held, record, au } = it
      const { cluster } = au
      // It has become the writer after all, by what was begun before it was to go.
      if (isWriter(cluster, record)) return go('hand-over')
      await c.control.hosts.forgetJobs(record.zone, `${record.resourceId}/`)
      const name = await dbInstanceNames(c.control).get(nameIndexOf(record))
      const ports = [record.port, ...Object.values(record.copyPorts?.byZone ?? {})]
      return go(
        'silence',
        together(
          dbInstances(c.control, record).remove(held),
          name ? dbInstanceNames(c.control).remove(name) : NOTHING,
          changeAurora(c.control, au, {
            members: cluster.members.filter(({ resourceId }) => resourceId !== record.resourceId),
            endpoints: withoutMember(cluster.endpoints, record.resourceId),
          }),
          ...(c.control.simulated ? [] : ports.map(releasePort)),
          instanceEvent(c.control, record, 'RDS-EVENT-0003'),
        ),
      )
    },

    /** The cluster's own flows may wait for this: it cannot be deleted before. */
    silence: async (c: C): Promise<Next<Step>> => {
      c.control.flows.wakeSubjects(parametersSubjectOf(c.input.key))
      for (const subject of ['aurora-cluster/', 'aurora-cluster-timer/']) c.control.flows.wakeSubjects(subject)
      return done('deleted')
    },
  },
)

/** The last writer ends in order where it can: what it wrote last is durable then, and everybody knows. */
async function end(c: C, { zone, resourceId }: DbInstanceRecord): Promise<'pending' | 'ended'> {
  if (!c.control.hosts.isConnected(zone) || c.spentMs > fenceDeadlineMs) return 'ended'
  const outcome = await jobOn(
    c,
    { zone, resourceId },
    { name: `end-${c.failures}`, kind: 'instance.stop', input: async () => ({ id: resourceId, mode: 'fast' }) },
  )
  return outcome.state === 'pending' ? 'pending' : 'ended'
}
