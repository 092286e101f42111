import { done, flow, go, wait, type Next } from '#flow/flow.ts'
import { auroraTimersOf, isWriter, type AuroraClusterRecord } from '../aurora-cluster/record.ts'
import { routeCluster } from '../aurora-cluster/routes.ts'
import { restVolume } from '../volume/epochs.ts'
import { volumes } from '../volume/record.ts'
import { auroraOf, changeAurora, changeMembers, forgetAuroraJobs, type AuroraContext as C } from './aurora-context.ts'
import { instanceEvent, jobOn } from './context.ts'
import { clusterEvent } from './db-cluster-context.ts'
import { restartDeadlineMs } from './limits.ts'

type Step = 'cut' | 'stop' | 'rest' | 'finish' | 'again'

/** Readers end first, then the writer, in order; then the volume is nobody's to write. */
export const stopAuroraCluster = flow(
  'stop-aurora-cluster',
  { exhausted: 'again', policy: { deadlineMs: restartDeadlineMs } },
  {
    cut: async (c: C): Promise<Next<Step>> => {
      const au = await auroraOf(c)
      if (!au) return done('deleted')
      await routeCluster(c.control, { ...au.cluster, isOpen: false })
      return go('stop', changeAurora(c.control, au, { isOpen: false }))
    },

    stop: async (c: C): Promise<Next<Step>> => {
      const au = await auroraOf(c)
      if (!au) return done('deleted')
      return (await stopAuroraMembers(c, au.cluster)) ? go('rest') : wait()
    },

    rest: async (c: C): Promise<Next<Step>> => {
      const au = await auroraOf(c)
      const volume = au && (await volumes(c.control, au.cluster).get(au.cluster.resourceId))
      if (!au || !volume) return done('deleted')
      const stoppedAt = c.control.clock.now()
      return go(
        'finish',
        volumes(c.control, au.cluster).update(volume, restVolume(volume.value)),
        changeAurora(c.control, au, { phase: 'stopped', stoppedAt }),
        changeMembers(c.control, au.members.values(), { phase: 'stopped', stoppedAt }),
        clusterEvent(c.control, au.cluster, 'RDS-EVENT-0150'),
        ...[...au.members.values()].map(({ value }) => instanceEvent(c.control, value, 'RDS-EVENT-0087')),
      )
    },

    finish: async (c: C): Promise<Next<Step>> => {
      const au = await auroraOf(c)
      if (!au) return done('deleted')
      await forgetAuroraJobs(c, au.cluster)
      c.control.flows.wakeSubjects(auroraTimersOf(c.input.key))
      return done('stopped')
    },

    again: async (): Promise<Next<Step>> => go('cut'),
  },
)

/** Readers end first, then the writer, in order. False: not all of them have yet. */
export async function stopAuroraMembers(
  c: Pick<C, 'control' | 'flowId' | 'failures'>,
  cluster: AuroraClusterRecord,
): Promise<boolean> {
  const inOrder = cluster.members.toSorted((a, b) => Number(isWriter(cluster, a)) - Number(isWriter(cluster, b)))
  for (const member of inOrder) {
    const outcome = await jobOn(c, member, {
      name: `stop-${c.failures}`,
      kind: 'instance.stop',
      input: async () => ({ id: member.resourceId, mode: 'fast' }),
    })
    if (outcome.state === 'pending') return false
    if (outcome.state === 'failed') throw new Error(`stop ${member.id}: ${outcome.error.message}`)
  }
  return true
}
