/**
 * Settings that an engine has only once a library is preloaded, in the form of `pg_settings`. RDS lists them in every
 * family. From PostgreSQL's manual, appendix F: auto_explain, pg_prewarm, pg_stat_statements.
 */
import type { PostgresSetting } from './postgres-settings.ts'

/** Libraries that `shared_preload_libraries` may name here: those that every build of PostgreSQL brings along. */
export const preloadableLibraries: readonly string[] = ['auto_explain', 'pg_prewarm', 'pg_stat_statements']

/** Named in `shared_preload_libraries` of a DB cluster like a library, and none here: it is the gateway's (docs/adr). */
export const FLOW_CONTROL = 'flow_control'

/** Neither `Customized Options`, as the engine files them, nor hidden. */
const category = 'Preloaded libraries'
const INT_MAX = 2_147_483_647

const flag = (name: string, description: string): PostgresSetting => ({
  name,
  description,
  category,
  context: 'superuser',
  type: 'bool',
})

export const extensionSettings: readonly PostgresSetting[] = [
  flag('auto_explain.log_analyze', 'Use EXPLAIN ANALYZE for plan logging.'),
  flag('auto_explain.log_buffers', 'Log buffers usage.'),
  {
    name: 'auto_explain.log_format',
    description: 'EXPLAIN format to be used for plan logging.',
    category,
    context: 'superuser',
    type: 'enum',
    values: ['text', 'xml', 'json', 'yaml'],
  },
  {
    name: 'auto_explain.log_min_duration',
    description: 'Sets the minimum execution time above which plans will be logged.',
    category,
    context: 'superuser',
    type: 'integer',
    unit: 'ms',
    min: -1,
    max: INT_MAX,
  },
  flag('auto_explain.log_nested_statements', 'Log nested statements.'),
  flag('auto_explain.log_timing', 'Collect timing data, not just row counts.'),
  flag('auto_explain.log_triggers', 'Include trigger statistics in plans.'),
  flag('auto_explain.log_verbose', 'Use EXPLAIN VERBOSE for plan logging.'),
  {
    name: 'auto_explain.sample_rate',
    description: 'Fraction of queries to process.',
    category,
    context: 'superuser',
    type: 'real',
    min: 0,
    max: 1,
  },
  {
    name: 'pg_prewarm.autoprewarm',
    description: 'Starts the autoprewarm worker.',
    category,
    context: 'postmaster',
    type: 'bool',
  },
  {
    name: 'pg_prewarm.autoprewarm_interval',
    description: 'Sets the interval between dumps of shared buffers.',
    category,
    context: 'sighup',
    type: 'integer',
    unit: 's',
    min: 0,
    max: 2_147_483,
  },
  {
    name: 'pg_stat_statements.max',
    description: 'Sets the maximum number of statements tracked by pg_stat_statements.',
    category,
    context: 'postmaster',
    type: 'integer',
    min: 100,
    max: 1_073_741_823,
  },
  {
    name: 'pg_stat_statements.save',
    description: 'Save pg_stat_statements statistics across server shutdowns.',
    category,
    context: 'sighup',
    type: 'bool',
  },
  {
    name: 'pg_stat_statements.track',
    description: 'Selects which statements are tracked by pg_stat_statements.',
    category,
    context: 'superuser',
    type: 'enum',
    values: ['none', 'top', 'all'],
  },
  flag('pg_stat_statements.track_utility', 'Selects whether utility commands are tracked by pg_stat_statements.'),
]
