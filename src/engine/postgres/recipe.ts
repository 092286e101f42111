/**
 * What a fresh cluster has on RDS beyond initdb: the roles, and rights for the master user, who is never a superuser.
 * From the RDS user guide, "Understanding the rds_superuser role".
 */
import { ADMIN } from './sql.ts'

/** Bumped with every change here or in how a template is made: templates of another recipe are not used. */
export const RECIPE_VERSION = 2

/** Predefined roles that rds_superuser is a member of, with the first major that has them, and may pass on. */
const grantedRoles: readonly (readonly [string, number])[] = [
  ['pg_monitor', 10],
  ['pg_signal_backend', 9],
  ['pg_checkpoint', 15],
  ['pg_use_reserved_connections', 16],
  ['pg_create_subscription', 16],
  ['pg_maintain', 17],
  ['pg_signal_autovacuum_worker', 18],
]

/** Settings of superusers that a member of rds_superuser may change for a session or a role. */
const settableParameters = [
  'auto_explain.log_min_duration',
  'deadlock_timeout',
  'log_duration',
  'log_lock_waits',
  'log_min_duration_statement',
  'log_min_messages',
  'log_statement',
  'session_replication_role',
  'track_functions',
  'track_io_timing',
] as const

/**
 * Up to 15, whoever has CREATEROLE could make himself a member of these and through them reach the files and the shell
 * of the host. The engine asks for membership by OID, so without the rows nobody can ever pass.
 */
const hostRoles = ['pg_execute_server_program', 'pg_read_server_files', 'pg_write_server_files'] as const

/** Needs `allow_system_table_mods`. */
export function clusterStatements(major: number): string[] {
  const roles = ['rds_superuser', 'rds_replication', 'rds_password', 'rds_iam', 'rds_extension']
  return [
    ...roles.map((role) => `CREATE ROLE ${role} NOLOGIN`),
    ...grantedRoles
      .filter(([, since]) => major >= since)
      .map(([role]) => `GRANT ${role} TO rds_superuser WITH ADMIN OPTION`),
    ...['rds_replication', 'rds_password'].map((role) => `GRANT ${role} TO rds_superuser WITH ADMIN OPTION`),
    ...(major >= 15 ? settableParameters.map((name) => `GRANT SET ON PARAMETER ${name} TO rds_superuser`) : []),
    'GRANT ALL ON DATABASE template1 TO rds_superuser WITH GRANT OPTION',
    ...(major < 16
      ? [`DELETE FROM pg_authid WHERE rolname IN (${hostRoles.map((role) => `'${role}'`).join(', ')})`]
      : []),
    `COMMENT ON ROLE ${ADMIN} IS 'Runs this instance. Nobody can log in as it.'`,
  ]
}
