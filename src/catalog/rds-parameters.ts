/**
 * The parameters of a family as RDS lists them: PostgreSQL's own settings (from the real engine's pg_settings), what RDS
 * sets differently, and RDS's own. What a user of RDS may not set is refused here for the same reason: it belongs to
 * whoever runs the engine, or would open the host.
 */
import { extensionSettings, FLOW_CONTROL, preloadableLibraries } from './extension-settings.ts'
import { isAuroraFamily, majorOfFamily } from './families.ts'
import { driverValues, engineDefaultsOf } from './family-defaults.ts'
import { postgresSettings } from './postgres-settings.ts'
import type { PostgresSetting } from './postgres-settings.ts'

export interface Parameter {
  /** In lower case, as RDS spells all of them. */
  readonly name: string
  readonly description: string
  readonly dataType: 'boolean' | 'float' | 'integer' | 'list' | 'string'
  /** A static parameter takes effect when the engine starts. */
  readonly applyType: 'dynamic' | 'static'
  readonly isModifiable: boolean
  readonly range: { readonly min: number; readonly max: number } | undefined
  /** The only values; of a list, its only items. */
  readonly words: readonly string[] | undefined
  /** The value of RDS's default group, if it is not PostgreSQL's own. May be a formula. */
  readonly familyValue: string | undefined
  /** The driver sees to the value; it is only shown. */
  readonly isDriverOwned: boolean
}

/** Not shown, as on RDS: settings of builds and developers, paths, and how a recovery is steered. */
const hiddenCategories: readonly string[] = [
  'Customized Options',
  'Developer Options',
  'File Locations',
  'Preset Options',
  'Write-Ahead Log / Archive Recovery',
  'Write-Ahead Log / Recovery Target',
]

/** Facts of one transaction or session, which the engine lists beside its settings. */
const hiddenNames: readonly string[] = [
  'seed',
  'transaction_deferrable',
  'transaction_isolation',
  'transaction_read_only',
]

/** Shown, but never set by a user, by the start of their names: they belong to the driver, or run code or open files. */
const unmodifiable: readonly RegExp[] = [
  /^(archive|bonjour|gss|krb|oauth|primary|recovery|syslog|unix_socket|wal_init|wal_log|wal_recycle|wal_sync)_?/,
  /^ssl($|_.*(file|dir)$|_passphrase)/,
  /^(local|session)_preload_libraries$/,
  /^(allow_alter_system|cluster_name|data_sync_retry|db_user_namespace|dynamic_library_path|dynamic_shared_memory_type|event_source)$/,
  /^(extension_control_path|fsync|full_page_writes|hot_standby|huge_page_size|io_method|jit_provider|listen_addresses)$/,
  /^(log_destination|log_directory|log_file_mode|log_filename|log_truncate_on_rotation|logging_collector|port|promote_trigger_file)$/,
  /^(shared_memory_type|stats_temp_directory|superuser_reserved_connections|sync_replication_slots)$/,
  /^(synchroni[sz]ed_standby_slots|synchronous_standby_names|wal_level)$/,
]

/** Narrower than the engine's own rules, as on RDS. */
const wordsOf: Readonly<Record<string, readonly string[]>> = {
  log_line_prefix: ['%t:%r:%u@%d:[%p]:', '%m:%r:%u@%d:[%p]:%l:%e:%s:%v:%x:%c:%q%a'],
  // The engine accepts only SCRAM: a role that got an md5 password could never log in.
  password_encryption: ['scram-sha-256'],
  shared_preload_libraries: preloadableLibraries,
}

/** RDS's own parameters. Those that nothing here can honour are shown without a value and cannot be set. */
const ownParameters = (major: string): readonly Parameter[] => [
  own('rds.force_ssl', 'Force SSL connections.', 'dynamic', Number(major) >= 15 ? '1' : '0'),
  own('rds.logical_replication', 'Enables logical decoding.', 'static', '0'),
  absent('rds.adaptive_autovacuum', 'RDS parameter to enable/disable adaptive autovacuum.'),
  absent('rds.allowed_extensions', 'Extensions that may be created.'),
  absent('rds.custom_dns_resolution', 'RDS parameter to enable/disable the DNS resolution of the VPC.'),
  absent('rds.force_admin_logging_level', 'Logs actions of the administrator of RDS.'),
  absent('rds.force_autovacuum_logging_level', 'Logs the work of autovacuum.'),
  absent('rds.log_retention_period', 'Minutes for which log files are kept.'),
  absent('rds.restrict_password_commands', 'Restricts password commands to members of rds_password.'),
]

/** AWS: RDS user guide, Multi-AZ DB cluster deployments, Replica lag. */
export const TARGET_LAG = 'flow_control.target_standby_apply_lag'

/** What groups of Multi-AZ DB clusters have besides, or otherwise. Flow control is on unless it is taken out. */
const clusterParameters = (parameter: Parameter): Parameter =>
  parameter.name === 'shared_preload_libraries'
    ? {
        ...parameter,
        words: [FLOW_CONTROL, ...preloadableLibraries],
        familyValue: [FLOW_CONTROL, parameter.familyValue].join(),
      }
    : parameter

const targetLag: Parameter = {
  name: TARGET_LAG,
  description: '(s) Lag of a reader from which on sessions that write are slowed down.',
  dataType: 'integer',
  applyType: 'dynamic',
  isModifiable: true,
  range: { min: 1, max: 86_400 },
  words: undefined,
  familyValue: '120',
  isDriverOwned: false,
}

/** AWS: Aurora user guide, "Managing RPOs for Aurora PostgreSQL-based global databases". */
export const GLOBAL_RPO = 'rds.global_db_rpo'

const globalRpo: Parameter = {
  name: GLOBAL_RPO,
  description: '(s) Recovery point objective, in seconds, that holds commits of the primary of a global database.',
  dataType: 'integer',
  applyType: 'dynamic',
  isModifiable: true,
  range: { min: 20, max: 2_147_483_647 },
  words: undefined,
  familyValue: undefined,
  isDriverOwned: false,
}

/**
 * What all members of an Aurora cluster must agree on, and its volume: in groups of DB clusters alone. AWS: Aurora user guide,
 * "Amazon Aurora PostgreSQL parameters". Besides, here, what a reader must allow as much of as the writer.
 */
const clusterOnly: readonly RegExp[] = [
  /^(archive|autovacuum|rds|wal)[._]/,
  /^(autovacuum|client_encoding|hot_standby_feedback|password_encryption|synchronous_commit|timezone)$/,
  /^max_(connections|locks_per_transaction|prepared_transactions|replication_slots|slot_wal_keep_size|wal_senders|worker_processes)$/,
]

const isOfInstance = ({ name }: Parameter): boolean => !clusterOnly.some((pattern) => pattern.test(name))

/** A reader's queries go on while the writer removes rows: it hears of the oldest. */
const auroraParameters = (parameter: Parameter): Parameter =>
  parameter.name === 'hot_standby_feedback' ? { ...parameter, familyValue: '1' } : parameter

const familyParametersBy = new Map<string, ReadonlyMap<string, Parameter>>()

/**
 * By name, in the order of names; undefined for a family that is not known here. `of`: groups of DB clusters, absent:
 * of DB instances. Made once for each.
 */
export function familyParameters(family: string, of?: 'cluster'): ReadonlyMap<string, Parameter> | undefined {
  const major = majorOfFamily(family)
  if (major === undefined) return undefined
  const key = `${of ?? 'instance'}/${family}`
  const known = familyParametersBy.get(key)
  if (known) return known
  const made = new Map(
    parametersOf(major, { isAurora: isAuroraFamily(family), of })
      .sort((a, b) => (a.name < b.name ? -1 : 1))
      .map((parameter) => [parameter.name, parameter]),
  )
  familyParametersBy.set(key, made)
  return made
}

interface Kind {
  readonly isAurora: boolean
  readonly of: 'cluster' | undefined
}

function parametersOf(major: string, { isAurora, of }: Kind): Parameter[] {
  const all = [...engineParameters(major), ...ownParameters(major)]
  if (isAurora) return of === 'cluster' ? [...all.map(auroraParameters), globalRpo] : all.filter(isOfInstance)
  return of === 'cluster' ? [...all.map(clusterParameters), targetLag] : all
}

/** What is wrong with a value, as RDS says it; undefined when it can be set. Formulas are not looked at. */
export function complaintOfValue(parameter: Parameter, value: string): string | undefined {
  const allowed = allowedValues(parameter)
  if (isAllowed(parameter, value)) return undefined
  return `Invalid parameter value: ${value} for: ${parameter.name} allowed values are: ${allowed ?? parameter.dataType}`
}

/** `0-262143`, `on,off`; undefined where anything goes. */
export function allowedValues({ dataType, range, words }: Parameter): string | undefined {
  if (dataType === 'boolean') return '0,1'
  if (range) return `${range.min}-${range.max}`
  return words?.join(',')
}

/** Longest value: the engine reads lines of its configuration into memory, and no setting needs more. */
const VALUE_LENGTH_MAX = 8192

function isAllowed({ dataType, range, words }: Parameter, value: string): boolean {
  switch (dataType) {
    case 'boolean':
      return value === '0' || value === '1'
    case 'integer':
      return /^-?\d{1,19}$/.test(value) && isIn(range, Number(value))
    case 'float':
      return /^-?\d+(\.\d+)?([eE][+-]?\d+)?$/.test(value) && isIn(range, Number(value))
    case 'list':
      return value === '' || value.split(',').every((item) => !words || words.includes(item.trim()))
    case 'string':
      // A line break would begin another line of the engine's configuration file.
      return words ? words.includes(value) : value.length <= VALUE_LENGTH_MAX && !/[\u0000-\u001f\u007f]/.test(value)
  }
}

function isIn(range: Parameter['range'], value: number): boolean {
  return !range || (value >= range.min && value <= range.max)
}

function engineParameters(major: string): Parameter[] {
  const defaults = engineDefaultsOf(major)
  return [...postgresSettings(major), ...extensionSettings]
    .filter(({ name, category }) => !hiddenCategories.includes(category) && !hiddenNames.includes(name))
    .map((setting) => engineParameter(setting, defaults))
}

function engineParameter(setting: PostgresSetting, defaults: Readonly<Record<string, string>>): Parameter {
  const name = setting.name.toLowerCase()
  return {
    name,
    description: setting.unit ? `(${setting.unit}) ${setting.description}` : setting.description,
    dataType: dataTypeOf(setting),
    applyType: setting.context === 'postmaster' || setting.context === 'internal' ? 'static' : 'dynamic',
    isModifiable: setting.context !== 'internal' && !unmodifiable.some((pattern) => pattern.test(name)),
    range: setting.min === undefined || setting.max === undefined ? undefined : { min: setting.min, max: setting.max },
    words: wordsOf[name] ?? setting.values,
    familyValue: driverValues[name] ?? defaults[name],
    isDriverOwned: Object.hasOwn(driverValues, name),
  }
}

function dataTypeOf({ name, type }: PostgresSetting): Parameter['dataType'] {
  if (name === 'shared_preload_libraries') return 'list'
  const types = { bool: 'boolean', enum: 'string', integer: 'integer', real: 'float', string: 'string' } as const
  return types[type]
}

function own(name: string, description: string, applyType: Parameter['applyType'], familyValue: string): Parameter {
  return {
    name,
    description,
    dataType: 'boolean',
    applyType,
    isModifiable: true,
    range: undefined,
    words: undefined,
    familyValue,
    isDriverOwned: false,
  }
}

function absent(name: string, description: string): Parameter {
  return {
    name,
    description: `${description} Not available in Holdfast.`,
    dataType: 'string',
    applyType: 'static',
    isModifiable: false,
    range: undefined,
    words: undefined,
    familyValue: undefined,
    isDriverOwned: false,
  }
}
