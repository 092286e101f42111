/** What gateway and engine share, so that the one can ask the other whether all it has committed would survive a failover. */

/** The role as which a gateway asks. It may call one function, and read what everybody may. */
export const GATE = 'rdsgate'

/** Names the secret that the role's password is. */
export const GATE_SECRET = 'engine/postgres/rdsgate'

/**
 * Null when a synchronous standby has the log up to here, or commits wait for nobody; else how far it has to come. Without
 * an argument: as far as the engine itself has it now.
 */
export const MISSING_FUNCTION = 'rds_missing_at_standby'

/** Beside PGDATA: a file named by the process of each session that somebody may have cancelled by SQL. */
export const CANCELLED_FOLDER = 'cancelled'
