/** An engine version that can run here. */
export interface EngineVersion {
  readonly engine: 'postgres'
  /** As RDS writes it: `17.10`. */
  readonly version: string
  /** `17`; the parameter group family is `postgres17`. */
  readonly major: string
  /** npm: fetched from the registry on demand. system: binaries found on this host. */
  readonly source: 'npm' | 'system' | 'simulated'
}
