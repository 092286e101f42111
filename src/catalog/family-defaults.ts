/**
 * What RDS sets differently from PostgreSQL in each family: the values with source `system`.
 * From the default groups that DescribeDBParameters of RDS prints. Left out is what would be untrue here: archive
 * commands, paths, WAL kept for replicas, and `max_stack_depth`, which depends on a limit of the host.
 */
const everyMajor: Readonly<Record<string, string>> = {
  autovacuum_analyze_scale_factor: '0.05',
  autovacuum_max_workers: 'GREATEST({DBInstanceClassMemory/64371566592},3)',
  autovacuum_naptime: '15',
  autovacuum_vacuum_cost_limit: 'GREATEST({log(DBInstanceClassMemory/21474836480)*600},200)',
  autovacuum_vacuum_scale_factor: '0.1',
  checkpoint_completion_target: '0.9',
  effective_cache_size: '{DBInstanceClassMemory/16384}',
  idle_in_transaction_session_timeout: '86400000',
  log_autovacuum_min_duration: '10000',
  log_checkpoints: '1',
  log_line_prefix: '%t:%r:%u@%d:[%p]:',
  log_rotation_age: '60',
  log_rotation_size: '0',
  log_timezone: 'UTC',
  lo_compat_privileges: '0',
  maintenance_work_mem: 'GREATEST({DBInstanceClassMemory*1024/63963136},65536)',
  max_connections: 'LEAST({DBInstanceClassMemory/9531392},5000)',
  max_locks_per_transaction: '64',
  max_prepared_transactions: '0',
  max_wal_size: '2048',
  max_worker_processes: 'GREATEST({DBInstanceVCPU*2},8)',
  min_wal_size: '192',
  // RDS keeps md5 before 14. Here the engine accepts only SCRAM, and a role with an md5 password could never log in.
  password_encryption: 'scram-sha-256',
  shared_buffers: '{DBInstanceClassMemory/32768}',
  shared_preload_libraries: 'pg_stat_statements',
  superuser_reserved_connections: '3',
  synchronous_commit: 'on',
  timezone: 'UTC',
  track_activity_query_size: '4096',
  track_functions: 'pl',
  track_io_timing: '1',
  wal_level: 'replica',
  wal_receiver_timeout: '30000',
  wal_sender_timeout: '30000',
}

/** What every engine is started with by its driver: shown like the others, but not given to it as a setting. */
export const driverValues: Readonly<Record<string, string>> = {
  log_destination: 'stderr',
  log_filename: 'postgresql.log.%Y-%m-%d-%H',
  log_truncate_on_rotation: '0',
  logging_collector: '1',
  port: '{EndPointPort}',
  ssl: '1',
}

/** Values by engine parameter, in its own units; some are formulas. */
export function engineDefaultsOf(major: string): Readonly<Record<string, string>> {
  const number = Number(major)
  return {
    ...everyMajor,
    max_replication_slots: number < 14 ? '10' : '20',
    max_wal_senders: number < 14 ? '10' : '20',
    ...(number < 14 && { vacuum_cost_page_miss: '5' }),
    ...(number >= 16 && { reserved_connections: '2' }),
  }
}
