/**
 * What a ModifyDBInstance request means: which changes hold at once, which go to the flow that runs now, and which wait
 * for the maintenance window. Pure.
 * Source: RDS User Guide, "Settings for DB instances"; catalog/modify-settings.ts has the table.
 */
import type { ModifyDBInstanceMessage } from '@aws-sdk/client-rds'
import type {
  DbInstanceRecord,
  DbInstanceSettings,
  MaintenanceAction,
  MaintenanceNotes,
  PendingChanges,
  Phase,
} from './record.ts'

export interface Decision {
  /** In force when the transaction commits. */
  readonly settings: DbInstanceSettings
  /** All that is still to be done, now or later. */
  readonly pending: PendingChanges
  /** The pending changes that a flow begins with now; none: no flow. */
  readonly apply: readonly (keyof PendingChanges)[]
}

/** Members whose value, once it is valid, simply is the setting. */
const AT_ONCE = [
  'AutoMinorVersionUpgrade',
  'CopyTagsToSnapshot',
  'DeletionProtection',
  'PreferredMaintenanceWindow',
  'PreferredBackupWindow',
  'PubliclyAccessible',
  'MaxAllocatedStorage',
  'VpcSecurityGroupIds',
] as const satisfies readonly (keyof DbInstanceSettings & keyof ModifyDBInstanceMessage)[]

/** Members that wait for the window unless ApplyImmediately says otherwise, with the pending change they make. */
const QUEUED = [
  'DBInstanceClass',
  'EngineVersion',
  'AllocatedStorage',
  'StorageType',
  'Iops',
  'StorageThroughput',
  'LicenseModel',
  'DBSubnetGroupName',
  'CACertificateIdentifier',
  'MultiAZ',
  'OptionGroupName',
] as const satisfies readonly (keyof DbInstanceSettings & keyof PendingChanges & keyof ModifyDBInstanceMessage)[]

type MutablePending = { -readonly [K in keyof PendingChanges]: PendingChanges[K] }

export function decideModification(
  record: DbInstanceRecord,
  asked: ModifyDBInstanceMessage,
  passwordVerifier: string | undefined,
): Decision {
  const settings: Record<string, unknown> = { ...record.settings }
  for (const member of AT_ONCE) if (asked[member] !== undefined) settings[member] = asked[member]

  const pending: MutablePending = { ...record.pending }
  const queue = <K extends keyof PendingChanges>(
    name: K,
    wanted: PendingChanges[K] | undefined,
    current: unknown,
  ): void => {
    if (wanted === undefined) return
    // Asking for what is already so takes a queued change back.
    if (wanted === current) delete pending[name]
    else pending[name] = wanted
  }
  for (const member of QUEUED) queue(member, asked[member] as never, record.settings[member])
  queue('DBInstanceIdentifier', asked.NewDBInstanceIdentifier?.toLowerCase(), record.id)
  queue(
    'IAMDatabaseAuthenticationEnabled',
    asked.EnableIAMDatabaseAuthentication,
    record.settings.EnableIAMDatabaseAuthentication,
  )

  const retention = asked.BackupRetentionPeriod
  // Between two non-zero values nothing has to stop; to or from zero, backups are switched, which AWS does in the window.
  if (retention !== undefined && retention > 0 && record.settings.BackupRetentionPeriod > 0) {
    settings['BackupRetentionPeriod'] = retention
    delete pending.BackupRetentionPeriod
  } else queue('BackupRetentionPeriod', retention, record.settings.BackupRetentionPeriod)

  const soon: (keyof PendingChanges)[] = []
  if (asked.DBPortNumber !== undefined && asked.DBPortNumber !== record.port) {
    pending.Port = asked.DBPortNumber
    soon.push('Port')
  }
  if (passwordVerifier !== undefined) {
    pending.passwordVerifier = passwordVerifier
    soon.push('passwordVerifier')
  }
  const apply = asked.ApplyImmediately === true ? (Object.keys(pending) as (keyof PendingChanges)[]) : soon
  return { settings: settings as unknown as DbInstanceSettings, pending, apply }
}

/** The status that the most telling of the changes gives the instance while they are made. */
export function phaseWhile(apply: readonly (keyof PendingChanges)[]): Phase {
  if (apply.includes('EngineVersion')) return 'upgrading'
  if (apply.includes('DBInstanceIdentifier')) return 'renaming'
  if (apply.includes('passwordVerifier')) return 'resetting-master-credentials'
  return 'modifying'
}

/** Changes that the engine only takes at a start. */
export const NEEDS_RESTART: readonly (keyof PendingChanges)[] = ['DBInstanceClass', 'EngineVersion', 'Port']

/** The record with these pending changes made: still as the engine would see it, the name unchanged. */
export function withChanges(record: DbInstanceRecord, apply: readonly (keyof PendingChanges)[]): DbInstanceRecord {
  const settings: Record<string, unknown> = { ...record.settings }
  const pending: MutablePending = { ...record.pending }
  let { port } = record
  let { master } = record
  for (const name of apply) {
    const value = record.pending[name]
    if (value === undefined) continue
    delete pending[name]
    if (name === 'Port') port = value as number
    else if (name === 'passwordVerifier') master = { ...master, verifier: value as string }
    else if (name === 'IAMDatabaseAuthenticationEnabled') settings['EnableIAMDatabaseAuthentication'] = value
    else if (name !== 'DBInstanceIdentifier') settings[name] = value
  }
  const rest = { ...record, settings: settings as unknown as DbInstanceSettings, pending, port, master }
  return { ...rest, ...notesAfter(record, apply, () => undefined) }
}

/** The changes that are maintenance. */
const MAINTENANCE: readonly (readonly [keyof PendingChanges, MaintenanceAction])[] = [
  ['EngineVersion', 'db-upgrade'],
  ['CACertificateIdentifier', 'ca-certificate-rotation'],
]

type Notes = { -readonly [A in MaintenanceAction]?: MaintenanceNotes[A] }

/** The notes once these changes were made, or given up: `after` says what is left of a note. */
export function notesAfter(
  { maintenance }: Pick<DbInstanceRecord, 'maintenance'>,
  names: readonly (keyof PendingChanges)[],
  after: (note: MaintenanceNotes[MaintenanceAction]) => MaintenanceNotes[MaintenanceAction],
): Pick<DbInstanceRecord, 'maintenance'> {
  if (!maintenance) return {}
  const notes: Notes = { ...maintenance }
  for (const [name, action] of MAINTENANCE) {
    if (!names.includes(name) || !notes[action]) continue
    const note = after(notes[action])
    if (note) notes[action] = note
    else delete notes[action]
  }
  return { maintenance: notes }
}

/**
 * The record without these pending changes: they were given up.
 */
export function withoutChanges(record: DbInstanceRecord, names: readonly (keyof PendingChanges)[]): DbInstanceRecord {
  const pending: MutablePending = { ...record.pending }
  for (const name of names) delete pending[name]
  return { ...record, pending, ...notesWithout(record, names) }
}

/** What was to be done at once is not tried again by itself; what was to be done in a window is, in the next. */
export const notesWithout = (
  record: Pick<DbInstanceRecord, 'maintenance'>,
  names: readonly (keyof PendingChanges)[],
): Pick<DbInstanceRecord, 'maintenance'> =>
  notesAfter(record, names, (note) => {
    if (note?.optIn !== 'immediate') return note
    const { optIn: _optIn, optInAt: _optInAt, ...kept } = note
    return kept
  })
