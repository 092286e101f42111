/** The instance that a new read replica is to follow, and whether it may. */
import { DBInstanceNotFoundFault, InstanceQuotaExceededFault } from '@aws-sdk/client-rds'
import type { Held } from '#store/collection.ts'
import { fault } from '#wire/aws/faults.ts'
import { isArn, parseRdsArn } from '../arn.ts'
import type { Control, Scope } from '../control.ts'
import { instanceNotAvailable, invalidState, invalidValue } from '../db-instance/faults.ts'
import { dbInstances, findByKey, keyOf, type DbInstanceRecord } from '../db-instance/record.ts'
import { majorOf } from '../db-instance/spec.ts'
import { statusOf } from '../db-instance/status.ts'
import { CASCADE_MAJOR_MIN, CHAIN_REGIONS_MAX, LEVELS_MAX, REPLICAS_MAX } from './limits.ts'
import { replicasOf } from './replicas.ts'

/** By its name in the region of the request, or by its ARN in any region of the account. */
export async function findSource(control: Control, scope: Scope, wanted: string): Promise<Held<DbInstanceRecord>> {
  const arn = isArn(wanted) ? parseRdsArn(wanted) : undefined
  if (isArn(wanted) && (arn?.type !== 'db' || arn.account !== scope.account)) throw notFound(wanted)
  const held = await dbInstances(control, arn ?? scope).get((arn?.id ?? wanted).toLowerCase())
  if (!held) throw notFound(wanted)
  return held
}

const notFound = (wanted: string): Error => fault(DBInstanceNotFoundFault, `DBInstance ${wanted} not found.`)

/** Throws unless a replica in this region may follow the instance now. */
export async function checkSource(control: Control, scope: Scope, source: DbInstanceRecord): Promise<void> {
  const status = statusOf(control, source)
  if (status !== 'available') throw instanceNotAvailable(source.id, status)
  if (source.settings.BackupRetentionPeriod === 0)
    throw invalidState(
      'Automated backups are not enabled for this database instance. To enable automated backups, use ModifyDBInstance to set the backup retention period to a non-zero value.',
    )
  if (source.master.secretArn !== undefined)
    throw invalidValue(
      'Creating read replicas for source instance with engine postgres where ManageMasterUserPassword is enabled is not supported.',
    )
  if ((await replicasOf(control, keyOf(source))).length >= REPLICAS_MAX)
    throw fault(InstanceQuotaExceededFault, `The DB instance ${source.id} has ${REPLICAS_MAX} read replicas already.`)
  if (source.replica) await checkChain(control, scope, source)
}

async function checkChain(control: Control, scope: Scope, source: DbInstanceRecord): Promise<void> {
  if (Number(majorOf(source.settings.EngineVersion)) < CASCADE_MAJOR_MIN)
    throw invalidState(`Read replicas of read replicas need PostgreSQL ${CASCADE_MAJOR_MIN}.1 or later.`)
  if (source.replica?.state === 'terminated')
    throw invalidState(`The read replica ${source.id} follows no source any more: promote it first.`)
  const chain = await ancestors(control, source)
  if (chain.length > LEVELS_MAX)
    throw invalidState(`A chain of read replicas can have ${LEVELS_MAX} levels below its source at most.`)
  if (new Set([scope.region, ...chain.map(({ region }) => region)]).size > CHAIN_REGIONS_MAX)
    throw invalidState(`A chain of read replicas can span ${CHAIN_REGIONS_MAX} regions at most.`)
}

/** The instance, whom it follows, and so on. */
async function ancestors(control: Pick<Control, 'store'>, record: DbInstanceRecord): Promise<DbInstanceRecord[]> {
  const chain = [record]
  for (let next: DbInstanceRecord | undefined = record; next?.replica && chain.length <= LEVELS_MAX;) {
    next = (await findByKey(control, next.replica.source))?.value
    if (next) chain.push(next)
  }
  return chain
}
