/**
 * A minor upgrade as maintenance, killed in the middle: of serve, and of the agent. Afterwards the instance has the new
 * version and its data, or it would have the old one and say so; here nothing stands in the way of the new one.
 */
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import {
  ApplyPendingMaintenanceActionCommand,
  CreateDBInstanceCommand,
  DescribePendingMaintenanceActionsCommand,
} from '@aws-sdk/client-rds'
import { createInput, deleteInstance, describe, instanceIn, query } from '../support/database.ts'
import { discard, eventually, newStateFolder, startHoldfast, type Holdfast } from '../support/holdfast.ts'
import { noFlowLeft, orDeath } from './flow-walk/requests.ts'

const OLDER = '18.3'
const NEWER = '18.4'

let state: string
let holdfast: Holdfast
/** Why there is no instance of an older minor. */
let missing: string | undefined

before(async () => {
  state = await newStateFolder()
  holdfast = await startHoldfast({ state })
  missing = await make('probe')
  if (missing === undefined) await deleteInstance(holdfast.rds(), 'probe')
})

after(() => discard(holdfast))

/** An instance of the older minor with one row. What it gives says why there is none. */
async function make(id: string): Promise<string | undefined> {
  const rds = holdfast.rds()
  await rds.send(new CreateDBInstanceCommand(createInput(id, { EngineVersion: OLDER, BackupRetentionPeriod: 0 })))
  const made = await eventually(`${id} is made, or is not`, async () => {
    const found = await describe(rds, id)
    return ['available', 'failed'].includes(found?.DBInstanceStatus ?? '') ? found : undefined
  })
  if (made.DBInstanceStatus === 'failed') return `no PostgreSQL ${OLDER}: ${made.StatusInfos?.[0]?.Message}`
  await query(holdfast, made, 'create table kept as select 42 as answer')
  return undefined
}

async function isUpgraded(id: string): Promise<void> {
  const rds = holdfast.rds()
  const instance = await instanceIn(rds, id, 'available', (i) => i.EngineVersion === NEWER)
  const sql = `select answer, current_setting('server_version') as version from kept`
  assert.deepEqual(await query(holdfast, instance, sql), [{ answer: 42, version: NEWER }])
  const ask = new DescribePendingMaintenanceActionsCommand({ ResourceIdentifier: instance.DBInstanceArn! })
  assert.deepEqual((await rds.send(ask)).PendingMaintenanceActions, [])
  await noFlowLeft(holdfast.url)
  await deleteInstance(rds, id)
}

const upgrade = async (id: string): Promise<unknown> => {
  const ResourceIdentifier = (await describe(holdfast.rds(), id))!.DBInstanceArn!
  const request = { ResourceIdentifier, ApplyAction: 'db-upgrade', OptInType: 'immediate' }
  return holdfast.rds().send(new ApplyPendingMaintenanceActionCommand(request))
}

/** How many agents there have been. */
const agentsStarted = async (): Promise<number> =>
  (await readFile(join(state, 'hosts', 'a', 'agent.log'), 'utf8')).split('"agent started"').length - 1

/** Where the process dies, and whether it is the agent. */
const POINTS = [
  'flow:modify-db-instance.prepare.committed',
  'flow:modify-db-instance.restart.before',
  'agent:instance.restart.intended',
  'agent:instance.restart.started',
]

for (const [n, point] of POINTS.entries())
  test(`killed at ${point}, the upgrade is completed`, async (t) => {
    if (missing !== undefined) return t.skip(missing)
    const id = `old-${n}`
    await make(id)
    // Agents take their environment from the serve that starts them.
    await holdfast.stop()
    holdfast = await startHoldfast({ state, env: { HOLDFAST_CRASH_AT: point } })
    await instanceIn(holdfast.rds(), id, 'available')
    const agents = await agentsStarted()
    await orDeath(upgrade(id))
    if (point.startsWith('flow:')) {
      assert.equal(await holdfast.exited, 'SIGKILL', `serve came by ${point}:\n${holdfast.output()}`)
      holdfast = await startHoldfast({ state })
    }
    await isUpgraded(id)
    if (point.startsWith('agent:')) assert.equal(await agentsStarted(), agents + 1, `the agent came by ${point}`)
  })
