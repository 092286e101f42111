import { done, flow, go, wait, type Next } from '#flow/flow.ts'
import type { Held } from '#store/collection.ts'
import { auroraSubjectOf, auroraTimersOf, isSecondary, isWriter } from '../aurora-cluster/record.ts'
import { routeCluster } from '../aurora-cluster/routes.ts'
import { obstacleOf, serves, streams } from '../aurora-cluster/sight.ts'
import { certificateOf } from '../db-instance/certificate.ts'
import type { DbInstanceRecord } from '../db-instance/record.ts'
import { openRoute } from '../multi-az/route.ts'
import type { VolumeRecord } from '../volume/record.ts'
import { heldAurora, imageFor, specAs, volumeOf, type HeldAurora } from './aurora-context.ts'
import {
  change,
  instanceEvent,
  instanceOf,
  jobOn,
  type FlowContext,
  type InstanceInput,
  type JobOutcome,
} from './context.ts'
import { failed, finished } from './endings.ts'
import { engineDeadlineMs } from './limits.ts'

type C = FlowContext<InstanceInput>
type Step = 'certify' | 'attach' | 'await-writer' | 'serve' | 'finish' | 'abandon'

/** How often an instance looks for what others do, besides every time that it is woken. */
const LOOK_MS = 1000

interface Found {
  readonly held: Held<DbInstanceRecord>
  readonly record: DbInstanceRecord
  readonly au: HeldAurora
  readonly volume: VolumeRecord
}

async function found(c: C): Promise<Found | undefined> {
  const held = await instanceOf(c)
  const au = held && (await heldAurora(c.control, held.value.cluster!))
  const volume = au && (await volumeOf(c.control, au))
  return held && au && volume && { held, record: held.value, au, volume: volume.value }
}

const letIn = (c: C, { record, volume }: Pick<Found, 'record' | 'volume'>): Promise<JobOutcome<'instance.attach'>> =>
  jobOn(c, record, {
    name: `open-${c.failures}`,
    kind: 'instance.attach',
    input: async () => ({ spec: await specAs(c.control, { record, part: 'reader', volume }), image: undefined }),
  })

/**
 * A new instance of an Aurora cluster: a reader, on an image of the volume. The first one is then made the writer, as every
 * writer is (start-aurora-writer.ts).
 */
export const createAuroraMember = flow(
  'create-aurora-member',
  { exhausted: 'abandon', policy: { deadlineMs: engineDeadlineMs } },
  {
    certify: async (c: C): Promise<Next<Step>> => {
      const it = await found(c)
      if (!it) return done('deleted')
      const { cluster } = it.au
      if (!cluster.certificate || !it.volume.seed) return wait({ timeoutMs: LOOK_MS })
      const certificate = certificateOf(c.control, { of: cluster, for: it.record }, cluster.certificate)
      return go('attach', change(c, it.held, { certificate }))
    },

    attach: async (c: C): Promise<Next<Step>> => {
      const it = await found(c)
      if (!it) return done('deleted')
      const { au, record, volume } = it
      // Whoever is to write sees no client before it does.
      const part = isWriter(au.cluster, record) ? 'candidate' : 'reader'
      const outcome = await jobOn(c, record, {
        name: `attach-${c.enteredAt}-${c.failures}`,
        kind: 'instance.attach',
        input: async () => ({
          spec: await specAs(c.control, { record, part, volume }),
          image: await imageFor(c.control, au, { zone: record.zone, volume, making: `${c.flowId}/${c.enteredAt}` }),
        }),
      })
      if (outcome.state === 'pending') return wait()
      if (outcome.state === 'failed' && outcome.error.code === 'snapshot-missing')
        throw new Error(`a later image has taken its place: ${outcome.error.message}`)
      if (outcome.state === 'failed') return go('abandon', change(c, it.held, { complaint: outcome.error.message }))
      return go('await-writer')
    },

    /** A reader without a writer has nothing to show that its users made. */
    'await-writer': async (c: C): Promise<Next<Step>> => {
      const it = await found(c)
      if (!it) return done('deleted')
      const { cluster } = it.au
      // A reader of a copy has what the writer of another region writes.
      if (cluster.isOpen || isSecondary(cluster)) return go('serve')
      const subject = auroraSubjectOf(it.record.cluster!)
      const isOurs = isWriter(cluster, it.record) && !(await c.control.flows.of(subject))
      if (!isOurs) return wait({ timeoutMs: LOOK_MS })
      const { writes } = c.control.flows.start('start-aurora-writer', subject, {
        key: it.record.cluster!,
        why: 'create',
        because: 'The DB instance is new.',
        target: it.record.resourceId,
      })
      return wait({ timeoutMs: LOOK_MS }, writes)
    },

    serve: async (c: C): Promise<Next<Step>> => {
      const it = await found(c)
      if (!it) return done('deleted')
      const { held, record, au } = it
      // It took so long that the log which its image needs is gone.
      if (obstacleOf(c.control, record) !== undefined)
        return c.spentMs < LOOK_MS ? wait({ timeoutMs: LOOK_MS }) : go('attach')
      // One that was to be the writer, and is not, lets nobody in yet.
      const isReader = !isWriter(au.cluster, record)
      const opened = isReader ? await letIn(c, it) : undefined
      if (opened?.state === 'pending') return wait()
      if (opened?.state === 'failed') throw new Error(`let clients in: ${opened.error.message}`)
      if (!serves(c.control, record) || (isReader && !streams(c.control, record))) return wait({ timeoutMs: LOOK_MS })
      await openRoute(c.control, record)
      return go(
        'finish',
        change(c, held, { phase: 'available', endpointKnown: true }),
        instanceEvent(c.control, record, 'RDS-EVENT-0005'),
      )
    },

    finish: async (c: C) => {
      const it = await found(c)
      if (!it) return done('deleted')
      await routeCluster(c.control, it.au.cluster)
      c.control.flows.wakeSubjects(auroraTimersOf(it.record.cluster!))
      return finished(c, 'available')
    },

    abandon: (c: C) => failed(c, 'failed', 'The DB instance could not be created in time.'),
  },
)
