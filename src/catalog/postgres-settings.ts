/**
 * PostgreSQL's own settings by major version, as `pg_settings` of the newest minor has them. The files are made by
 * `npm run gen -- --engines`.
 */
import { createRequire } from 'node:module'

export interface PostgresSetting {
  readonly name: string
  /** Unit of the value: `kB`, `8kB`, `ms`, `min`. */
  readonly unit?: string
  readonly category: string
  readonly description: string
  /** When it can change; `postmaster` only at a start, `internal` never. */
  readonly context: 'internal' | 'postmaster' | 'sighup' | 'superuser-backend' | 'backend' | 'superuser' | 'user'
  readonly type: 'bool' | 'enum' | 'integer' | 'real' | 'string'
  readonly min?: number
  readonly max?: number
  /** The only values of an enum. */
  readonly values?: readonly string[]
  /** PostgreSQL's own default, before any configuration. In the setting's unit. */
  readonly bootValue?: string
}

const load = createRequire(import.meta.url)

/** For `12` to `18`. Read when first asked for: a process that needs none, or one major, holds no more. */
export function postgresSettings(major: string): readonly PostgresSetting[] {
  return load(`./gen/postgres-settings-${major}.json`) as readonly PostgresSetting[]
}
