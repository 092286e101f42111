import { done, flow, go, wait, type Next } from '#flow/flow.ts'
import { NOTHING, together, type Mutation } from '#store/collection.ts'
import {
  auroraSubjectOf,
  isWriter,
  volumeMembersSubjectOf,
  type AuroraClusterRecord,
} from '../aurora-cluster/record.ts'
import { routeCluster, routesDiffer } from '../aurora-cluster/routes.ts'
import { isDown, needsRenewal } from '../aurora-cluster/sight.ts'
import { startAuroraRecovery } from '../aurora-cluster/start-recovery.ts'
import { AUTO_START_MS } from '../db-instance/describe.ts'
import { isPaused } from '../db-instance/pause.ts'
import { keyOf, subjectOf, type DbInstanceRecord } from '../db-instance/record.ts'
import { lossOf } from '../multi-az/copies.ts'
import { auroraOf, changeAurora, changeMembers, type AuroraContext as C, type HeldAurora } from './aurora-context.ts'
import { clusterEvent } from './db-cluster-context.ts'
import { standbyGraceMs, standbyPatienceMs, timerDeadlineMs } from './limits.ts'

type Step = 'watch' | 'rest'

/** The safety net under lost wake-ups. */
const LOOK_MS = 30_000

/** Looks after an Aurora cluster for as long as it lives: a writer that is lost, readers that are left, endpoints, a stop that lasts too long. */
export const keepAuroraCluster = flow(
  'keep-aurora-cluster',
  { exhausted: 'rest', policy: { deadlineMs: timerDeadlineMs } },
  {
    watch: async (c: C): Promise<Next<Step>> => {
      const au = await auroraOf(c)
      if (!au || au.cluster.phase === 'deleting') return done('the cluster is gone')
      const members = await keepMembers(c)
      if (members) return go('watch', members)
      const { phase, stoppedAt = 0 } = au.cluster
      if (phase === 'stopped') {
        const leftMs = stoppedAt + AUTO_START_MS - c.control.clock.now()
        if (leftMs > 0) return wait({ timeoutMs: leftMs })
        return wait({ timeoutMs: standbyPatienceMs }, await startAgain(c, au))
      }
      if (phase !== 'available') return wait({ timeoutMs: LOOK_MS })
      const because = lossOfWriter(c, au)
      if (because !== undefined) {
        const recovery = await startAuroraRecovery(c.control, c.input.key, because)
        return wait({ timeoutMs: standbyGraceMs }, recovery?.writes ?? NOTHING)
      }
      const returns = await bringBack(c, au)
      if (returns) return wait({ timeoutMs: LOOK_MS }, returns)
      if (await routesDiffer(c.control, au.cluster)) await routeCluster(c.control, au.cluster)
      return wait({ timeoutMs: LOOK_MS })
    },

    /** What failed again and again is begun anew after a while. */
    rest: async (c: C): Promise<Next<Step>> => {
      const leftMs = standbyPatienceMs - c.spentMs
      return leftMs > 0 ? wait({ timeoutMs: leftMs }) : go('watch')
    },
  },
)

/** The write that starts what looks after the copies of the volume; undefined: it is there. */
async function keepMembers({ control, input: { key } }: C): Promise<Mutation | undefined> {
  const subject = volumeMembersSubjectOf(key)
  if (await control.flows.of(subject)) return undefined
  return control.flows.start('keep-volume-members', subject, { key }).writes
}

/** Why the writer cannot serve; undefined: it does, or nobody can tell, or there is none that should. */
function lossOfWriter({ control }: C, { cluster }: HeldAurora): string | undefined {
  const writer = cluster.members.find(({ resourceId }) => resourceId === cluster.writer)
  if (!writer || !cluster.isOpen) return undefined
  const readers = cluster.members.filter((member) => member !== writer)
  return lossOf(control, writer, readers)
}

/**
 * Brings readers back that were left: by flows that could not wait for their hosts, or because they cannot follow any more.
 * Undefined: there is none.
 */
async function bringBack({ control }: C, { cluster, members }: HeldAurora): Promise<Mutation | undefined> {
  const starts = [...members.values()]
    .filter(({ value }) => isLeft(control, cluster, value))
    .map(async (held): Promise<Mutation> => {
      const key = keyOf(held.value)
      const subject = subjectOf(key)
      if (await control.flows.of(subject)) return NOTHING
      const { writes } = control.flows.start('restart-aurora-reader', subject, { key })
      return together(changeMembers(control, [held], { phase: 'rebooting' }), writes)
    })
  const begun = (await Promise.all(starts)).filter(({ ops }) => ops.length > 0)
  return begun.length > 0 ? together(...begun) : undefined
}

const RETURNING: ReadonlySet<DbInstanceRecord['phase']> = new Set(['rebooting', 'starting', 'failed'])

function isLeft(control: C['control'], cluster: AuroraClusterRecord, record: DbInstanceRecord): boolean {
  if (isWriter(cluster, record) || !control.hosts.isConnected(record.zone)) return false
  if (RETURNING.has(record.phase)) return record.endpointKnown
  return record.phase === 'available' && !isPaused(record) && (needsRenewal(control, record) || isDown(control, record))
}

/** AWS: Aurora user guide, "Stopping and starting an Aurora DB cluster": after seven days it starts by itself. */
async function startAgain({ control, input: { key } }: C, au: HeldAurora): Promise<Mutation> {
  const subject = auroraSubjectOf(key)
  if (await control.flows.of(subject)) return NOTHING
  const because = 'The DB cluster was stopped for as long as it may be.'
  const flow = control.flows.start('start-aurora-writer', subject, { key, why: 'start', because })
  return together(
    changeAurora(control, au, { phase: 'starting' }),
    changeMembers(control, au.members.values(), { phase: 'starting' }),
    clusterEvent(control, au.cluster, 'RDS-EVENT-0153'),
    flow.writes,
  )
}
