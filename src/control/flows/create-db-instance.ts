import { done, flow, go, wait } from '#flow/flow.ts'
import { issueCertificate } from '../db-instance/certificate.ts'
import { instanceSpec } from '../db-instance/spec.ts'
import { change, instanceEvent, instanceOf, jobOn, type FlowContext, type InstanceInput } from './context.ts'
import { failed, finished } from './endings.ts'
import { engineDeadlineMs } from './limits.ts'
import { moveToFreePort } from './move-port.ts'
import { secondCopySteps } from './standby-steps.ts'

type C = FlowContext<InstanceInput>

/** A new DB instance: certificate, then data volume, engine, master user and first database in one job of its host. */
export const createDbInstance = flow(
  'create-db-instance',
  {
    exhausted: 'abandon',
    steps: { create: { deadlineMs: engineDeadlineMs }, 'await-standby': { deadlineMs: engineDeadlineMs } },
  },
  {
    certify: async (c: C) => {
      const held = await instanceOf(c)
      if (!held) return done('deleted')
      const { resourceId, settings } = held.value
      const certificate = await issueCertificate(c.control, resourceId, settings.CACertificateIdentifier)
      return go('create', change(c, held, { certificate }))
    },

    create: async (c: C) => {
      const held = await instanceOf(c)
      if (!held) return done('deleted')
      const record = held.value
      const outcome = await jobOn(c, record, {
        name: `create-${record.port}`,
        kind: 'instance.create',
        input: async () => ({
          spec: await instanceSpec(c.control, record),
          master: { name: record.master.username, passwordVerifier: record.master.verifier },
          databaseName: record.databaseName,
        }),
      })
      if (outcome.state === 'pending') return wait()
      if (outcome.state === 'succeeded') return go(record.standby ? 'route' : 'serve')
      if (outcome.error.code === 'port-busy') return go('create', await moveToFreePort(c, held))
      return go('abandon', change(c, held, { complaint: outcome.error.message }))
    },

    ...secondCopySteps,

    serve: async (c: C) => {
      const held = await instanceOf(c)
      if (!held) return done('deleted')
      return go(
        'finish',
        change(c, held, { phase: 'available', endpointKnown: true }),
        instanceEvent(c.control, held.value, 'RDS-EVENT-0005'),
      )
    },

    finish: (c: C) => finished(c, 'available'),

    abandon: (c: C) => failed(c, 'failed', 'The DB instance could not be created in time.'),
  },
)
