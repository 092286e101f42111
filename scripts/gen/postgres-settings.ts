/**
 * `src/catalog/gen/postgres-settings-<major>.json`, from `pg_settings` of the newest minor of each major that npm has.
 * It fetches and runs seven engines, so it is made only when it is asked for: `npm run gen -- --engines`.
 * tests/engine/postgres-settings.test.ts compares the bundled engine with its file.
 */
import type pg from 'pg'
import { POSTGRES_MAJORS } from '#catalog/families.ts'
import type { PostgresSetting } from '#catalog/postgres-settings.ts'
import { majorOf, npmPostgresVersions } from '#catalog/postgres-versions.ts'
import type { Generator } from '../gen.ts'

/** One for each major. */
export const postgresSettings: readonly Generator[] = POSTGRES_MAJORS.map((major) => ({
  output: `src/catalog/gen/postgres-settings-${major}.json`,
  make: () => make(major),
}))

interface Row {
  readonly name: string
  readonly unit: string | null
  readonly category: string
  readonly description: string
  readonly context: PostgresSetting['context']
  readonly type: PostgresSetting['type']
  readonly min: string | null
  readonly max: string | null
  readonly values: string[] | null
  readonly boot: string | null
}

/** As the catalogue has them. The client may see all settings, as the master user may. */
export async function readSettings(client: pg.Client): Promise<PostgresSetting[]> {
  const { rows } = await client.query<Row>(
    `SELECT name, unit, category, short_desc AS description, context, vartype AS type, min_val AS min, max_val AS max,
       enumvals AS values, boot_val AS boot FROM pg_settings WHERE category <> 'Customized Options' ORDER BY name COLLATE "C"`,
  )
  return rows.map((row) => ({
    name: row.name,
    ...(row.unit !== null && { unit: row.unit }),
    category: row.category,
    description: row.description,
    context: row.context,
    type: row.type,
    ...(row.min !== null && { min: Number(row.min) }),
    ...(row.max !== null && { max: Number(row.max) }),
    ...(row.values !== null && { values: row.values }),
    ...(row.boot !== null && { bootValue: row.boot }),
  }))
}

/** One setting a line, so that a difference between two minors can be read. */
async function make(major: string): Promise<string> {
  const version = npmPostgresVersions.findLast((candidate) => majorOf(candidate) === Number(major))
  if (version === undefined) throw new Error(`npm has no PostgreSQL ${major}`)
  const { openPostgresBench } = await import('../../tests/support/postgres-bench.ts')
  const bench = await openPostgresBench()
  try {
    const { spec } = await bench.create({ version })
    const client = await bench.client(spec)
    const settings = await readSettings(client)
    await client.end()
    return `[\n${settings.map((setting) => JSON.stringify(setting)).join(',\n')}\n]\n`
  } finally {
    await bench.close()
  }
}
