import { assert } from '#base/assert.ts'
import type { InstanceSpec } from '#wire/agent/messages.ts'
import type { Control } from '../control.ts'
import { GATEWAY_ONLY, LOOPBACK } from '../db-instance/engine-address.ts'
import type { DbInstanceRecord } from '../db-instance/record.ts'
import { addressOf } from '../db-instance/source-address.ts'
import { instanceSpec } from '../db-instance/spec.ts'
import { followerName } from './copies.ts'

/** The spec of the second copy. Its settings are those of the primary; nothing but the primary's log comes in. */
export async function standbySpec(control: Control, record: DbInstanceRecord): Promise<InstanceSpec> {
  const { standby, copyPorts } = record
  assert(standby && copyPorts, 'only an instance with a standby has a spec for one')
  return {
    ...(await instanceSpec(control, record)),
    listenAddress: LOOPBACK,
    allowedSources: GATEWAY_ONLY,
    port: copyPorts.byZone[standby.zone]!,
    revivedBy: 'agent',
    // The log is archived from where it is written.
    archivePrefix: undefined,
    replication: {
      role: 'standby',
      name: followerName(standby.zone),
      followers: [],
      source: addressOf(control, record),
      readable: false,
    },
  }
}
