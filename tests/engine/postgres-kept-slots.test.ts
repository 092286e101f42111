/** What becomes of logical slots when decoding is switched off or an old primary follows, on two real engines. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { withSession } from '#engine/postgres/sql.ts'
import { eventually } from '../support/eventually.ts'
import { never, openPostgresBench, PATIENCE_MS, type PostgresBench } from '../support/postgres-bench.ts'
import { follow, primaryOf, reconfigure } from '../support/replication.ts'

let bench: PostgresBench

before(async () => {
  bench = await openPostgresBench()
})
after(() => bench.close())

const DECODED = { shared_buffers: '2048', wal_level: 'logical' }

const slotsOn = (folder: string): Promise<string[]> =>
  withSession({ folder, surroundings: bench.surroundings }, ({ query }) =>
    query<{ name: string }>(
      `SELECT slot_name AS name FROM pg_replication_slots WHERE slot_type = 'logical' AND NOT temporary`,
    ),
  ).then((rows) => rows.map(({ name }) => name))

test('a standby starts without decoding although it kept a slot, and an old primary follows without any', async () => {
  const primary = await bench.create({ settings: DECODED })
  await bench.driver.tendConsumers(primary.folder, primary.spec)
  await reconfigure(bench, primary, { ...primaryOf(['b'], []), standbyKeepsSlots: true })
  await bench.sql(primary.spec, `select pg_create_logical_replication_slot('s', 'test_decoding', false, false, true)`)
  const standby = await follow(bench, primary)
  await reconfigure(bench, primary, { ...primaryOf(['b'], []), standbyKeepsSlots: true })
  await eventually('the slot on the standby', async () => {
    if ((await slotsOn(standby.folder)).includes('s')) return true
    await bench.sql(primary.spec, `checkpoint; select pg_logical_slot_get_changes('s', null, null)`)
    process.kill(standby.engine.pid, 'SIGHUP')
    return undefined
  })
  await bench.driver.stop(standby.engine, 'fast', PATIENCE_MS)
  const undecoded = { ...standby.spec, settings: { ...standby.spec.settings, wal_level: 'replica' } }
  await bench.driver.configure(standby.folder, undecoded)
  standby.engine = bench.started(await bench.driver.start(standby.folder, undecoded, never))
  assert.deepEqual(await slotsOn(standby.folder), [])

  assert.deepEqual(await slotsOn(primary.folder), ['s'])
  await bench.driver.stop(primary.engine, 'fast', PATIENCE_MS)
  const returned = { ...primary.spec, replication: standby.spec.replication! }
  await bench.driver.configure(primary.folder, returned)
  primary.engine = bench.started(await bench.driver.start(primary.folder, returned, never))
  assert.deepEqual(await slotsOn(primary.folder), [])
})
