import { done, flow, go, wait } from '#flow/flow.ts'
import { issueCertificate } from '../db-instance/certificate.ts'
import type { DbInstanceRecord } from '../db-instance/record.ts'
import { instanceSpec } from '../db-instance/spec.ts'
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
import { moveToFreePort } from './move-port.ts'
import { secondCopySteps } from './standby-steps.ts'

interface FromSnapshot {
  /** The snapshot's resource id: the copy on disk, whatever the snapshot is called. */
  readonly snapshotId: string
  /** For the event: the snapshot's name. */
  readonly snapshotName: string
}

interface FromArchive {
  readonly archive: {
    readonly prefix: string
    /** Milliseconds since the epoch; undefined: as late as possible. */
    readonly time: number | undefined
    /** For the event: what the instance is called that it comes from. */
    readonly sourceName: string
  }
}

type Input = InstanceInput & { readonly resetPassword: boolean } & (FromSnapshot | FromArchive)
type C = FlowContext<Input>

/** A new DB instance from a snapshot's data, or from the archive of another one. */
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
      const outcome = await restoreJob(c, record)
      if (outcome.state === 'pending') return wait()
      if (outcome.state === 'succeeded') return go(record.standby ? 'route' : 'serve')
      if (outcome.error.code === 'port-busy') return go('restore', await moveToFreePort(c, held))
      const { message } = outcome.error
      return go(outcome.error.code === 'backup-broken' ? 'refuse' : 'abandon', change(c, held, { complaint: message }))
    },

    ...secondCopySteps,

    serve: async (c: C) => {
      const held = await instanceOf(c)
      if (!held) return done('deleted')
      return go(
        'finish',
        change(c, held, { phase: 'available', endpointKnown: true }),
        instanceEvent(c.control, held.value, 'RDS-EVENT-0019', `Restored from ${originOf(c.input)}`),
      )
    },

    finish: (c: C) => finished(c, 'available'),

    /** What is in the archive cannot be restored to that time; the complaint says what, and to which time it can. */
    refuse: (c: C) => failed(c, 'incompatible-restore', 'The backup cannot be used.'),

    abandon: (c: C) => failed(c, 'restore-error', 'The DB instance could not be restored in time.'),
  },
)

async function restoreJob(
  c: C,
  record: DbInstanceRecord,
): Promise<JobOutcome<'instance.restore' | 'instance.recover'>> {
  const { input, control } = c
  const { username, verifier } = record.master
  const master = input.resetPassword ? { name: username, passwordVerifier: verifier } : undefined
  const name = `restore-${record.port}`
  if ('archive' in input) {
    const { prefix, time } = input.archive
    return jobOn(c, record, {
      name,
      kind: 'instance.recover',
      input: async () => ({ spec: await instanceSpec(control, record), prefix, time, master }),
    })
  }
  const { snapshotId } = input
  return jobOn(c, record, {
    name,
    kind: 'instance.restore',
    input: async () => ({ spec: await instanceSpec(control, record), snapshotId, master }),
  })
}

function originOf(input: Input): string {
  if (!('archive' in input)) return `snapshot ${input.snapshotName}`
  const { sourceName, time } = input.archive
  return `DB instance ${sourceName} to ${time === undefined ? 'the latest time' : new Date(time).toISOString()}`
}
