import { done, flow, go, wait } from '#flow/flow.ts'
import { issueCertificate } from '../db-instance/certificate.ts'
import { instanceSpec } from '../db-instance/spec.ts'
import { openRoute } from '../multi-az/route.ts'
import { change, instanceEvent, instanceOf, jobOn, type FlowContext, type InstanceInput } from './context.ts'
import { failed, finished } from './endings.ts'
import { engineDeadlineMs } from './limits.ts'
import { moveToFreePort } from './move-port.ts'
import { awaitStandby, keepStandby } from './standby-steps.ts'

interface Input extends InstanceInput {
  /** The snapshot's resource id: the copy on disk, whatever the snapshot is called. */
  readonly snapshotId: string
  /** For the event: the snapshot's name. */
  readonly snapshotName: string
  readonly resetPassword: boolean
}
type C = FlowContext<Input>

/** A new DB instance from a snapshot's data. */
export const restoreDbInstance = flow(
  'restore-db-instance',
  {
    exhausted: 'abandon',
    steps: { restore: { deadlineMs: engineDeadlineMs }, 'await-standby': { deadlineMs: engineDeadlineMs } },
  },
  {
    certify: async (c: C) => {
      const held = await instanceOf(c)
      if (!held) return done('deleted')
      const { resourceId, settings } = held.value
      const certificate = await issueCertificate(c.control, resourceId, settings.CACertificateIdentifier)
      return go('restore', change(c, held, { certificate }))
    },

    restore: async (c: C) => {
      const held = await instanceOf(c)
      if (!held) return done('deleted')
      const record = held.value
      const { username, verifier } = record.master
      const outcome = await jobOn(c, record, {
        name: `restore-${record.port}`,
        kind: 'instance.restore',
        input: async () => ({
          spec: await instanceSpec(c.control, record),
          snapshotId: c.input.snapshotId,
          master: c.input.resetPassword ? { name: username, passwordVerifier: verifier } : undefined,
        }),
      })
      if (outcome.state === 'pending') return wait()
      if (outcome.state === 'succeeded') return go(record.standby ? 'route' : 'serve')
      if (outcome.error.code === 'port-busy') return go('restore', await moveToFreePort(c, held))
      return go('abandon', change(c, held, { complaint: outcome.error.message }))
    },

    /** A Multi-AZ instance is there once its standby could take over. */
    route: async (c: C) => {
      const held = await instanceOf(c)
      if (!held) return done('deleted')
      await openRoute(c.control, held.value)
      return go('await-standby', await keepStandby(c))
    },

    'await-standby': async (c: C) => {
      const held = await instanceOf(c)
      return held ? awaitStandby(held, 'serve') : done('deleted')
    },

    serve: async (c: C) => {
      const held = await instanceOf(c)
      if (!held) return done('deleted')
      return go(
        'finish',
        change(c, held, { phase: 'available', endpointKnown: true }),
        instanceEvent(c.control, held.value, 'RDS-EVENT-0019', `Restored from snapshot ${c.input.snapshotName}`),
      )
    },

    finish: (c: C) => finished(c, 'available'),

    abandon: (c: C) => failed(c, 'restore-error', 'The DB instance could not be restored in time.'),
  },
)
