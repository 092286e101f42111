/** CreateDBInstance: what is checked before anything exists, and the one transaction that makes it exist. */
import type { CreateDBInstanceMessage } from '@aws-sdk/client-rds'
import { resourceId as newResourceId } from '#host/random.ts'
import { NOTHING, together, type Mutation } from '#store/collection.ts'
import { rdsArn } from '../arn.ts'
import { refuseUnavailable } from '../capabilities.ts'
import { commit, type Control, type Scope } from '../control.ts'
import { scheduleBackups } from './backups.ts'
import { chooseZone, refuseZoneOfMultiAz } from './placement.ts'
import { placeSecondCopy } from '../multi-az/ports.ts'
import { requireQuota } from '../quota/quotas.ts'
import { checkTags } from '../tag/tags.ts'
import { instanceExists, invalidCombination, invalidValue } from './faults.ts'
import { requireDatabaseName, requireIdentifier, requireMasterUsername, requirePort } from './identifiers.ts'
import { newestMinor } from '../maintenance/actions.ts'
import { newMaster } from './master.ts'
import { choosePort } from './ports.ts'
import { dbInstanceNames, dbInstances, nameIndexOf, subjectOf, type DbInstanceRecord } from './record.ts'
import { newSettings, resolveParameterGroup, resolveVersion } from './settings.ts'
import { started } from './started.ts'

/** Losing a race for a port or a name this often in a row means something else is wrong. */
const RACES_MAX = 20

type Input = CreateDBInstanceMessage & { DBInstanceIdentifier: string; DBInstanceClass: string; Engine: string }

export async function createDbInstance(control: Control, scope: Scope, input: Input): Promise<DbInstanceRecord> {
  const id = requireIdentifier('DBInstanceIdentifier', input.DBInstanceIdentifier)
  if (await dbInstances(control, scope).get(id)) throw instanceExists()
  checkEngine(input)
  refuseUnavailable(control, input)
  refuseZoneOfMultiAz(input)
  await requireQuota(control, scope, 'DBInstances')
  const version = resolveVersion(control, input.EngineVersion)
  const username = requireMasterUsername(required(input.MasterUsername, 'MasterUsername'))
  const databaseName = input.DBName === undefined ? undefined : requireDatabaseName(input.DBName)
  const settings = await newSettings(control, scope, input, version)
  const parameterGroup = await resolveParameterGroup(control, scope, input.DBParameterGroupName, version)
  const tags = checkTags(input.Tags ?? [])
  const wantedPort = requirePort('Port', input.Port ?? control.ports.preferred)
  const { master, writes: secret } = await newMaster(control, scope, {
    username,
    password: input.MasterUserPassword,
    managed: input.ManageMasterUserPassword,
    kmsKeyId: input.MasterUserSecretKmsKeyId,
    instanceArn: rdsArn(scope, 'db', id),
  })
  return register(control, scope, {
    draft: {
      id,
      zone: chooseZone(control, scope, input.AvailabilityZone),
      settings,
      master,
      databaseName,
      parameterGroup,
      tags,
    },
    wantedPort,
    flow: 'create-db-instance',
    input: {},
    extra: secret,
  })
}

type Draft = Pick<
  DbInstanceRecord,
  'id' | 'zone' | 'settings' | 'master' | 'databaseName' | 'parameterGroup' | 'tags' | 'replica'
>

interface Registration {
  readonly draft: Draft
  readonly wantedPort: number
  readonly flow: string
  /** What the flow needs beside the instance's key. */
  readonly input: object
  readonly extra: Mutation
  /** Writes that depend on the record, or on what may change until it is written. */
  readonly more?: (record: DbInstanceRecord) => Promise<Mutation>
}

/** Writes a new instance, its port, its name, its first flow and the timer of its backups in one transaction. */
export async function register(control: Control, scope: Scope, what: Registration): Promise<DbInstanceRecord> {
  for (let race = 0; race < RACES_MAX; race++) {
    const resourceId = newResourceId('db', control.random)
    const { port, writes } = await choosePort(control, what.wantedPort, resourceId)
    const known = { ...what.draft, resourceId, port }
    const copies = what.draft.settings.MultiAZ ? await placeSecondCopy(control, known, false) : undefined
    const record: DbInstanceRecord = {
      ...newRecord(control, scope, known),
      ...(copies && { standby: copies.standby, copyPorts: copies.copyPorts, generation: 1 }),
    }
    const key = { account: scope.account, region: scope.region, resourceId: record.resourceId }
    const flow = control.flows.start(what.flow, subjectOf(key), { ...what.input, key })
    const hasBackups = record.settings.BackupRetentionPeriod > 0
    const result = await commit(
      control,
      together(
        dbInstances(control, scope).create(record.id, record),
        dbInstanceNames(control).create(nameIndexOf(record), { id: record.id }),
        writes,
        copies?.writes ?? NOTHING,
        what.extra,
        (await what.more?.(record)) ?? NOTHING,
        flow.writes,
        ...(hasBackups ? [await scheduleBackups(control, record)] : []),
      ),
    )
    if (result.committed) {
      await started(control, flow.id)
      return record
    }
    if (await dbInstances(control, scope).get(record.id)) throw instanceExists()
  }
  throw new Error('a new DB instance lost every race for a port')
}

/** A record of an instance of which nothing exists yet. */
export function newRecord(
  control: Control,
  scope: Scope,
  known: Draft & Pick<DbInstanceRecord, 'resourceId' | 'port'>,
): DbInstanceRecord {
  const now = control.clock.now()
  // Whoever chose an older minor knows that there is a newer one: no event tells of it.
  const newer = newestMinor(control.versions, known.settings.EngineVersion)
  return {
    ...known,
    account: scope.account,
    region: scope.region,
    createdAt: now,
    engine: 'postgres',
    phase: 'creating',
    complaint: undefined,
    pending: {},
    endpointKnown: false,
    certificate: undefined,
    appliedParameterGroup: known.parameterGroup,
    parametersAsOf: now,
    parameterStatus: 'in-sync',
    stoppedAt: undefined,
    ...(newer !== undefined && { maintenance: { 'db-upgrade': { noticedAt: now, version: newer } } }),
  }
}

function checkEngine(input: Input): void {
  if (input.Engine !== 'postgres')
    throw invalidValue(`Invalid DB engine: ${input.Engine}. The engines that can run here are: postgres.`)
  if (input.CharacterSetName !== undefined || input.NcharCharacterSetName !== undefined)
    throw invalidCombination('CharacterSetName is not supported for engine postgres.')
  if (input.Timezone !== undefined) throw invalidCombination('Timezone is not supported for engine postgres.')
  if (input.DBSystemId !== undefined) throw invalidCombination('DBSystemId is not supported for engine postgres.')
  if (input.DBSecurityGroups?.length)
    throw invalidCombination('DBSecurityGroups are for EC2-Classic. Use VpcSecurityGroupIds.')
  if (input.ProcessorFeatures?.length)
    throw invalidCombination('ProcessorFeatures are not supported for engine postgres.')
  if (input.PromotionTier !== undefined)
    throw invalidCombination('PromotionTier is for instances of Aurora DB clusters.')
}

export function required(value: string | undefined, member: string): string {
  if (value === undefined || value === '')
    throw invalidValue(`The parameter ${member} must be provided and must not be blank.`)
  return value
}
