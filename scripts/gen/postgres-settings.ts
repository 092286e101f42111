/**
 * Writes `src/catalog/gen/postgres-settings-<major>.json` from `pg_settings` of the newest minor of each major that npm
 * has: `node scripts/gen/postgres-settings.ts [major…]`. Not part of `npm run gen`, because it fetches and runs seven
 * engines; tests/engine/postgres-settings.test.ts compares the bundled one with its file.
 */
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import type pg from 'pg'
import { POSTGRES_MAJORS } from '#catalog/families.ts'
import type { PostgresSetting } from '#catalog/postgres-settings.ts'
import { majorOf, npmPostgresVersions } from '#catalog/postgres-versions.ts'
import { openPostgresBench } from '../../tests/support/postgres-bench.ts'

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
async function write(major: string): Promise<void> {
  const version = npmPostgresVersions.findLast((candidate) => majorOf(candidate) === Number(major))
  if (version === undefined) throw new Error(`npm has no PostgreSQL ${major}`)
  const bench = await openPostgresBench()
  try {
    const { spec } = await bench.create({ version })
    const client = await bench.client(spec)
    const settings = await readSettings(client)
    await client.end()
    const file = path.resolve(import.meta.dirname, `../../src/catalog/gen/postgres-settings-${major}.json`)
    await writeFile(file, `[\n${settings.map((setting) => JSON.stringify(setting)).join(',\n')}\n]\n`)
    console.log(`wrote ${settings.length} settings of PostgreSQL ${version}`)
  } finally {
    await bench.close()
  }
}

if (import.meta.main) {
  const asked = process.argv.slice(2)
  for (const major of asked.length > 0 ? asked : POSTGRES_MAJORS) await write(major)
}
