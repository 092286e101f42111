/** CreateDBInstanceReadReplica. */
import type { CreateDBInstanceReadReplicaMessage } from '@aws-sdk/client-rds'
import { InvalidVPCNetworkStateFault } from '@aws-sdk/client-rds'
import { leastGrownGiB } from '#catalog/storage.ts'
import { NOTHING, together, type Mutation } from '#store/collection.ts'
import { fault } from '#wire/aws/faults.ts'
import { refuseUnavailable } from '../capabilities.ts'
import type { Control, Scope } from '../control.ts'
import { register } from '../db-instance/create.ts'
import { instanceExists, instanceNotFound, invalidCombination, invalidValue } from '../db-instance/faults.ts'
import { requireIdentifier, requirePort } from '../db-instance/identifiers.ts'
import { chooseZone } from '../db-instance/placement.ts'
import { refuseMember } from '../db-cluster/refuse-member.ts'
import { dbInstances, findByKey, keyOf, timerSubjectOf, type DbInstanceRecord } from '../db-instance/record.ts'
import { newSettings, resolveParameterGroup, resolveVersion } from '../db-instance/settings.ts'
import { requireQuota } from '../quota/quotas.ts'
import { requireSubnetGroup } from '../subnet-group/subnet-groups.ts'
import { checkTags } from '../tag/tags.ts'
import { addReplica, replicasOf } from './replicas.ts'
import { checkSource, findSource } from './source.ts'

type Input = CreateDBInstanceReadReplicaMessage & { DBInstanceIdentifier: string }

export async function createReadReplica(control: Control, scope: Scope, input: Input): Promise<DbInstanceRecord> {
  const id = requireIdentifier('DBInstanceIdentifier', input.DBInstanceIdentifier)
  refuseForeign(input)
  if (input.SourceDBInstanceIdentifier === undefined)
    throw invalidCombination('Either SourceDBInstanceIdentifier or SourceDBClusterIdentifier must be provided.')
  const source = (await findSource(control, scope, input.SourceDBInstanceIdentifier)).value
  refuseMember(source, 'CreateDBInstanceReadReplica')
  if (await dbInstances(control, scope).get(id)) throw instanceExists()
  refuseUnavailable(control, input)
  if (input.MultiAZ && !control.simulated)
    throw invalidCombination('A read replica with a standby of its own is not available yet: use MultiAZ=false.')
  await checkSource(control, scope, source)
  await requireQuota(control, scope, 'DBInstances')
  await checkNetwork(control, scope, source, input)
  const isLocal = source.region === scope.region
  const version = resolveVersion(control, source.settings.EngineVersion)
  const settings = await newSettings(control, scope, asked(source, input, isLocal), version)
  const wantedGroup = input.DBParameterGroupName ?? (isLocal ? source.parameterGroup : undefined)
  return register(control, scope, {
    draft: {
      id,
      zone:
        input.AvailabilityZone === undefined
          ? nextZone(control, source)
          : chooseZone(control, scope, input.AvailabilityZone),
      settings,
      // The engine has the source's roles. A password that RDS manages stays the source's.
      master: {
        username: source.master.username,
        verifier: source.master.verifier,
        secretArn: undefined,
        secretKmsKeyId: undefined,
      },
      databaseName: source.databaseName,
      parameterGroup: await resolveParameterGroup(control, scope, wantedGroup, version),
      tags: checkTags(input.Tags ?? []),
      replica: { source: keyOf(source), state: 'joining' },
    },
    wantedPort: requirePort('Port', input.Port ?? source.port),
    flow: 'build-read-replica',
    input: { isRebuild: false },
    extra: NOTHING,
    more: (record) => joinSource(control, scope, record, input.SourceDBInstanceIdentifier!),
  })
}

/** The source is as it was when it was looked at, and from now on lets this one in. */
async function joinSource(control: Control, scope: Scope, record: DbInstanceRecord, wanted: string): Promise<Mutation> {
  const held = await findByKey(control, record.replica!.source)
  if (!held) throw instanceNotFound(wanted)
  await checkSource(control, scope, held.value)
  const key = keyOf(record)
  const watch = control.flows.start('keep-read-replica', timerSubjectOf(key, 'replica'), { key })
  // From its first replica on an instance has a generation, and with it a part in replication.
  const counted = { ...held.value, generation: held.value.generation ?? 1 }
  return together(
    dbInstances(control, keyOf(held.value)).update(held, counted),
    addReplica(control, keyOf(held.value), key),
    watch.writes,
  )
}

function refuseForeign(input: Input): void {
  if (input.SourceDBClusterIdentifier !== undefined)
    throw invalidCombination(
      input.SourceDBInstanceIdentifier === undefined
        ? 'Read replicas of Multi-AZ DB clusters are not available yet.'
        : 'SourceDBInstanceIdentifier and SourceDBClusterIdentifier cannot both be specified.',
    )
  if (input.ReplicaMode !== undefined) throw invalidCombination('ReplicaMode is not supported for engine postgres.')
  if (input.ProcessorFeatures?.length || input.UseDefaultProcessorFeatures !== undefined)
    throw invalidCombination('ProcessorFeatures are not supported for engine postgres.')
}

/** Another zone than the source's, so that the loss of one does not take both. */
function nextZone({ hosts: { zones } }: Pick<Control, 'hosts'>, { zone }: DbInstanceRecord): string {
  return zones[(zones.indexOf(zone) + 1) % zones.length]!
}

/** All of a source's replicas in one region are in one VPC; in the source's region it is the source's. */
async function checkNetwork(control: Control, scope: Scope, source: DbInstanceRecord, input: Input): Promise<void> {
  if (input.DBSubnetGroupName === undefined) return
  const vpcOf = async (name: string): Promise<string> => (await requireSubnetGroup(control, scope, name)).vpcId
  const wanted = await vpcOf(input.DBSubnetGroupName)
  const relatives = source.region === scope.region ? [source] : []
  for (const key of await replicasOf(control, keyOf(source)))
    if (key.region === scope.region)
      relatives.push(...[(await findByKey(control, key))?.value].filter((one) => one !== undefined))
  for (const { id, settings } of relatives)
    if ((await vpcOf(settings.DBSubnetGroupName)) !== wanted)
      throw fault(
        InvalidVPCNetworkStateFault,
        `The DB subnet group ${input.DBSubnetGroupName} is in another VPC than DB instance ${id}: the read replicas of a source in one region are in the same VPC.`,
      )
}

/**
 * What the request leaves out comes from the source; what belongs to the source's region, only in that region. Backups
 * are off.
 */
function asked(source: DbInstanceRecord, input: Input, isLocal: boolean): Parameters<typeof newSettings>[2] {
  const from = source.settings
  const local = <T>(value: T): T | undefined => (isLocal ? value : undefined)
  return {
    DBInstanceClass: input.DBInstanceClass ?? from.DBInstanceClass,
    AllocatedStorage: sizeFor(from.AllocatedStorage, input.AllocatedStorage),
    StorageType: input.StorageType ?? from.StorageType,
    Iops: input.Iops ?? (input.StorageType === undefined ? from.Iops : undefined),
    StorageThroughput:
      input.StorageThroughput ?? (input.StorageType === undefined ? from.StorageThroughput : undefined),
    MaxAllocatedStorage: input.MaxAllocatedStorage ?? from.MaxAllocatedStorage,
    LicenseModel: from.LicenseModel,
    BackupRetentionPeriod: 0,
    PreferredBackupWindow: from.PreferredBackupWindow,
    PreferredMaintenanceWindow: from.PreferredMaintenanceWindow,
    AutoMinorVersionUpgrade: input.AutoMinorVersionUpgrade ?? from.AutoMinorVersionUpgrade,
    CopyTagsToSnapshot: input.CopyTagsToSnapshot,
    DeletionProtection: input.DeletionProtection,
    PubliclyAccessible: input.PubliclyAccessible ?? from.PubliclyAccessible,
    DBSubnetGroupName: input.DBSubnetGroupName ?? local(from.DBSubnetGroupName),
    VpcSecurityGroupIds: input.VpcSecurityGroupIds ?? local([...from.VpcSecurityGroupIds]),
    OptionGroupName: input.OptionGroupName ?? local(from.OptionGroupName),
    CACertificateIdentifier: input.CACertificateIdentifier ?? local(from.CACertificateIdentifier),
    NetworkType: input.NetworkType,
    MultiAZ: input.MultiAZ,
    StorageEncrypted: from.StorageEncrypted,
    KmsKeyId: input.KmsKeyId ?? from.KmsKeyId,
    EnableIAMDatabaseAuthentication: input.EnableIAMDatabaseAuthentication,
  }
}

function sizeFor(sourceGiB: number, wantedGiB: number | undefined): number {
  if (wantedGiB === undefined || wantedGiB === sourceGiB) return sourceGiB
  if (wantedGiB < leastGrownGiB(sourceGiB))
    throw invalidValue(
      `Invalid AllocatedStorage ${wantedGiB}: it must be ${sourceGiB} GiB, the source's, or at least 10 percent more.`,
    )
  return wantedGiB
}
