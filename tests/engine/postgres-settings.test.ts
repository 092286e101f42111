/** The catalogue of settings against the engine that comes with Holdfast. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { POSTGRES_MAJORS } from '#catalog/families.ts'
import { postgresSettings } from '#catalog/postgres-settings.ts'
import { BUNDLED_POSTGRES_VERSION, majorOf } from '#catalog/postgres-versions.ts'
import { readSettings } from '../../scripts/gen/postgres-settings.ts'
import { openPostgresBench } from '../support/postgres-bench.ts'

test('the settings in the catalogue are those of the bundled engine', async () => {
  const bench = await openPostgresBench()
  try {
    const { spec } = await bench.create({ version: BUNDLED_POSTGRES_VERSION })
    const client = await bench.client(spec)
    const live = await readSettings(client)
    await client.end()
    assert.deepEqual(postgresSettings(String(majorOf(BUNDLED_POSTGRES_VERSION))), live)
  } finally {
    await bench.close()
  }
})

test('every major has its settings', () => {
  for (const major of POSTGRES_MAJORS) {
    const settings = postgresSettings(major)
    assert.ok(settings.length > 300, `PostgreSQL ${major} has ${settings.length} settings`)
    const shared = settings.find(({ name }) => name === 'shared_buffers')
    assert.equal(shared?.context, 'postmaster')
    assert.equal(shared.unit, '8kB')
  }
})
