/** Engines under the names that RDS gives them. Both run PostgreSQL. */
export type DbEngine = 'postgres' | 'aurora-postgresql'

/** An engine version that can run here. */
export interface EngineVersion {
  readonly engine: DbEngine
  /** As RDS writes it: `17.10`. One of Aurora PostgreSQL runs PostgreSQL of the same number. */
  readonly version: string
  /** `17`; the parameter group family is `postgres17`, or `aurora-postgresql17`. */
  readonly major: string
  /** npm: fetched from the registry on demand. system: binaries found on this host. */
  readonly source: 'npm' | 'system' | 'simulated'
}
