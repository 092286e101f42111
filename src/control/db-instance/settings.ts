/** The settings of a new instance: what the request says, checked, and what RDS fills in. */
import type { CreateDBInstanceMessage } from '@aws-sdk/client-rds'
import { CertificateNotFoundFault } from '@aws-sdk/client-rds'
import { HOUR_MS } from '#base/durations.ts'
import type { DbEngine, EngineVersion } from '#catalog/engine-versions.ts'
import { defaultParameterGroupName, familyOf } from '#catalog/families.ts'
import { instanceClass } from '#catalog/instance-classes.ts'
import { validateStorage } from '#catalog/storage.ts'
import { fault } from '#wire/aws/faults.ts'
import { defaultCaIdentifier } from '../certificate/default-ca.ts'
import type { Control, Scope } from '../control.ts'
import { versionsOf } from '../engine-version/versions-of.ts'
import { resolveVpcSecurityGroups } from '../network/membership.ts'
import { requireOptionGroup } from '../option-group/option-groups.ts'
import { requireParameterGroup } from '../parameter-group/parameter-groups.ts'
import { requireSubnetGroup } from '../subnet-group/subnet-groups.ts'
import { invalidCombination, invalidValue } from './faults.ts'
import { chooseWindows, parseBackupWindow, parseMaintenanceWindow } from './identifiers.ts'
import type { DbInstanceSettings } from './record.ts'

/** Newest version of the default major, the named major's newest, or exactly the named one. */
export function resolveVersion(
  control: Pick<Control, 'versions'>,
  wanted: string | undefined,
  engine: DbEngine = 'postgres',
): EngineVersion {
  const versions = versionsOf(control, engine)
  if (wanted === undefined) return versions.findLast((v) => v.major === DEFAULT_MAJOR) ?? versions.at(-1)!
  const found = versions.find((v) => v.version === wanted) ?? versions.findLast((v) => v.major === wanted)
  if (!found) {
    const near = versions.filter((v) => v.major === wanted.split('.')[0])
    const can = (near.length ? near : versions).map((v) => v.version).join(', ')
    throw invalidCombination(`Cannot find version ${wanted} for ${engine}. Versions that can run here: ${can}`)
  }
  return found
}

/** The major that CreateDBInstance takes when no version is asked for. It is the one whose binaries npm brings. */
const DEFAULT_MAJOR = '18'

/** What a new instance may ask for, by create or by restore: the members of the two requests that settings come from. */
export type AskedSettings = Pick<
  CreateDBInstanceMessage,
  | 'AllocatedStorage'
  | 'StorageType'
  | 'Iops'
  | 'StorageThroughput'
  | 'MaxAllocatedStorage'
  | 'LicenseModel'
  | 'BackupRetentionPeriod'
  | 'PreferredBackupWindow'
  | 'PreferredMaintenanceWindow'
  | 'AutoMinorVersionUpgrade'
  | 'CopyTagsToSnapshot'
  | 'DeletionProtection'
  | 'PubliclyAccessible'
  | 'DBSubnetGroupName'
  | 'VpcSecurityGroupIds'
  | 'OptionGroupName'
  | 'CACertificateIdentifier'
  | 'NetworkType'
  | 'MultiAZ'
  | 'StorageEncrypted'
  | 'KmsKeyId'
  | 'EnableIAMDatabaseAuthentication'
> & { DBInstanceClass: string }

export async function newSettings(
  control: Control,
  scope: Scope,
  asked: AskedSettings,
  version: EngineVersion,
): Promise<DbInstanceSettings> {
  const subnetGroup = await requireSubnetGroup(control, scope, asked.DBSubnetGroupName ?? 'default')
  return {
    DBInstanceClass: requireClass(asked.DBInstanceClass),
    EngineVersion: version.version,
    ...storageSettings(asked),
    LicenseModel: requireLicense(asked.LicenseModel),
    ...windowSettings(control, asked),
    BackupRetentionPeriod: requireRetention(asked.BackupRetentionPeriod ?? 1),
    AutoMinorVersionUpgrade: asked.AutoMinorVersionUpgrade ?? true,
    CopyTagsToSnapshot: asked.CopyTagsToSnapshot ?? false,
    DeletionProtection: asked.DeletionProtection ?? false,
    PubliclyAccessible: asked.PubliclyAccessible ?? true,
    DBSubnetGroupName: subnetGroup.name,
    VpcSecurityGroupIds: await resolveVpcSecurityGroups(control, scope, asked.VpcSecurityGroupIds, subnetGroup.vpcId),
    OptionGroupName: (
      await requireOptionGroup(control, scope, asked.OptionGroupName ?? `default:postgres-${version.major}`)
    ).name,
    CACertificateIdentifier: await requireCa(control, scope, asked.CACertificateIdentifier),
    NetworkType: asked.NetworkType ?? 'IPV4',
    MultiAZ: asked.MultiAZ ?? false,
    StorageEncrypted: asked.StorageEncrypted ?? false,
    KmsKeyId: asked.KmsKeyId,
    EnableIAMDatabaseAuthentication: asked.EnableIAMDatabaseAuthentication ?? false,
  }
}

export function requireClass(name: string): string {
  if (!instanceClass(name)) throw invalidValue(`Invalid DB Instance class: ${name}`)
  return name
}

export function requireLicense(model: string | undefined): string {
  if (model !== undefined && model !== 'postgresql-license')
    throw invalidCombination(
      `Invalid license model '${model}' for engine 'postgres'. Valid license models are: postgresql-license.`,
    )
  return 'postgresql-license'
}

export function requireRetention(days: number): number {
  if (!Number.isInteger(days) || days < 0 || days > 35)
    throw invalidValue(`Invalid backup retention period: ${days}. Must be between 0 and 35.`)
  return days
}

type StorageSettings = Pick<
  DbInstanceSettings,
  'AllocatedStorage' | 'StorageType' | 'Iops' | 'StorageThroughput' | 'MaxAllocatedStorage'
>

export function storageSettings(asked: Partial<Omit<AskedSettings, 'DBInstanceClass'>>): StorageSettings {
  const { AllocatedStorage, Iops, StorageThroughput, MaxAllocatedStorage } = asked
  if (AllocatedStorage === undefined) throw invalidCombination('The request must contain the parameter size')
  const storage = {
    StorageType: asked.StorageType ?? (Iops === undefined ? 'gp2' : 'io1'),
    AllocatedStorage,
    Iops,
    StorageThroughput,
    MaxAllocatedStorage,
  }
  const complaint = validateStorage(storage)
  if (complaint !== undefined) throw invalidCombination(complaint)
  return storage
}

/**
 * A new instance is not backed up before somebody had time to work with it: an instance that a test makes and throws
 * away never turns `backing-up` under its hands.
 */
const QUIET_MS = 2 * HOUR_MS

export function windowSettings(
  control: Pick<Control, 'random' | 'clock'>,
  asked: Pick<AskedSettings, 'PreferredBackupWindow' | 'PreferredMaintenanceWindow'>,
): Pick<DbInstanceSettings, 'PreferredBackupWindow' | 'PreferredMaintenanceWindow'> {
  const given = { backup: asked.PreferredBackupWindow, maintenance: asked.PreferredMaintenanceWindow?.toLowerCase() }
  if (given.backup !== undefined) parseBackupWindow(given.backup)
  if (given.maintenance !== undefined) parseMaintenanceWindow(given.maintenance)
  const chosen = chooseWindows(given, control.random.bytes(3), { now: control.clock.now(), quietMs: QUIET_MS })
  if (!chosen) throw windowsMustNotOverlap()
  return { PreferredBackupWindow: chosen.backup, PreferredMaintenanceWindow: chosen.maintenance }
}

export const windowsMustNotOverlap = (): Error =>
  invalidValue('The backup window and maintenance window must not overlap.')

/** The group's name, if it exists and is of the family of this major. */
export async function resolveParameterGroup(
  control: Control,
  scope: Scope,
  wanted: string | undefined,
  { engine, major }: Pick<EngineVersion, 'engine' | 'major'>,
): Promise<string> {
  const family = familyOf(major, engine)
  const group = await requireParameterGroup(control, scope, { name: wanted ?? defaultParameterGroupName(family) })
  if (group.family !== family)
    throw invalidCombination(
      `The parameter group ${group.name} with DBParameterGroupFamily ${group.family} can't be used for this instance. ` +
        `Please use a Parameter Group with DBParameterGroupFamily ${family}`,
    )
  return group.name
}

export async function requireCa(control: Control, scope: Scope, wanted: string | undefined): Promise<string> {
  if (wanted === undefined) return defaultCaIdentifier(control, scope)
  if (!control.authority.identifiers.some((known) => known === wanted))
    throw fault(
      CertificateNotFoundFault,
      `Certificate ${wanted} not found. Valid identifiers: ${control.authority.identifiers.join(', ')}`,
    )
  return wanted
}
