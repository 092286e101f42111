import { done, flow, go, wait, type Next } from '#flow/flow.ts'
import type { Held } from '#store/collection.ts'
import { auroraSubjectOf, auroraTimersOf, isWriter } from '../aurora-cluster/record.ts'
import { serves } from '../aurora-cluster/sight.ts'
import { certificateOf } from '../db-instance/certificate.ts'
import type { DbInstanceRecord } from '../db-instance/record.ts'
import { openRoute } from '../multi-az/route.ts'
import { auroraSpec, heldAurora, type HeldAurora } from './aurora-context.ts'
import { change, instanceEvent, instanceOf, jobOn, type FlowContext, type InstanceInput } from './context.ts'
import { failed, finished } from './endings.ts'
import { engineDeadlineMs } from './limits.ts'

type C = FlowContext<InstanceInput>

/** How often an instance looks for what others do, besides every time that it is woken. */
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
 * A new instance of an Aurora cluster. The first one has the volume's first epoch begin, as every start of a writer does
 * (start-aurora-writer.ts); the others wait for a writer, and read what it writes.
 */
export const createAuroraMember = flow(
  'create-aurora-member',
  { exhausted: 'abandon', policy: { deadlineMs: engineDeadlineMs } },
  {
    certify: async (c: C): Promise<Next<'write' | 'read' | 'certify'>> => {
      const it = await found(c)
      if (!it) return done('deleted')
      const { cluster } = it.au
      if (!cluster.certificate || cluster.phase === 'creating') return wait({ timeoutMs: LOOK_MS })
      const certificate = certificateOf(c.control, { of: cluster, for: it.record }, cluster.certificate)
      return go(isWriter(cluster, it.record) ? 'write' : 'read', change(c, it.held, { certificate }))
    },

    write: async (c: C): Promise<Next<'serve' | 'read' | 'write'>> => {
      const it = await found(c)
      if (!it) return done('deleted')
      const { cluster } = it.au
      // It was to be the writer, and somebody else is by now.
      if (!isWriter(cluster, it.record)) return go('read')
      if (cluster.isOpen) return go('serve')
      const subject = auroraSubjectOf(it.record.cluster!)
      if (await c.control.flows.of(subject)) return wait({ timeoutMs: LOOK_MS })
      const { writes } = c.control.flows.start('start-aurora-writer', subject, {
        key: it.record.cluster!,
        why: 'create',
        because: 'The DB instance is new.',
        target: it.record.resourceId,
      })
      return wait({ timeoutMs: LOOK_MS }, writes)
    },

    read: async (c: C): Promise<Next<'serve' | 'read' | 'write' | 'abandon'>> => {
      const it = await found(c)
      if (!it) return done('deleted')
      const { cluster } = it.au
      if (isWriter(cluster, it.record)) return go('write')
      if (!cluster.isOpen) return wait({ timeoutMs: LOOK_MS })
      const outcome = await jobOn(c, it.record, {
        name: `create-${c.failures}`,
        kind: 'instance.create',
        input: async () => ({
          spec: await auroraSpec(c.control, cluster, it.record),
          master: { name: cluster.master.username, passwordVerifier: cluster.master.verifier },
          databaseName: undefined,
        }),
      })
      if (outcome.state === 'pending') return wait()
      if (outcome.state === 'failed') return go('abandon', change(c, it.held, { complaint: outcome.error.message }))
      return go('serve')
    },

    serve: async (c: C): Promise<Next<'finish' | 'serve'>> => {
      const it = await found(c)
      if (!it) return done('deleted')
      const { held, record } = it
      if (!serves(c.control, record)) return wait({ timeoutMs: LOOK_MS })
      await openRoute(c.control, record)
      return go(
        'finish',
        change(c, held, { phase: 'available', endpointKnown: true }),
        instanceEvent(c.control, record, 'RDS-EVENT-0005'),
      )
    },

    finish: async (c: C) => {
      const held = await instanceOf(c)
      const key = held?.value.cluster
      if (key) c.control.flows.wakeSubjects(auroraTimersOf(key))
      return finished(c, 'available')
    },

    abandon: (c: C) => failed(c, 'failed', 'The DB instance could not be created in time.'),
  },
)
