import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { EngineProcess } from '#engine/engine.ts'
import { ScriptedEngine, specOf } from '../../../tests/support/scripted-engine.ts'
import { ConsumerWatch, isPressing } from './consumer-watch.ts'

const FOLDER = '/instances/db-1'

async function running(settings: Record<string, string>): Promise<{
  driver: ScriptedEngine
  engine: EngineProcess
  tend(engine: EngineProcess): Promise<void>
}> {
  const driver = new ScriptedEngine()
  const spec = specOf('db-1', { settings })
  const never = new AbortController().signal
  await driver.initialize(FOLDER, spec, never)
  await driver.configure(FOLDER, spec)
  const engine = await driver.start(FOLDER, spec, never)
  const watch = new ConsumerWatch()
  return { driver, engine, tend: (one) => watch.tend({ driver, spec, folder: FOLDER }, one) }
}

test('consumers are tended at every look while there may be some, else once after each start', async () => {
  const open = await running({ wal_level: 'logical' })
  for (let look = 0; look < 3; look++) await open.tend(open.engine)
  assert.equal(open.driver.tended, 3)

  const closed = await running({})
  for (let look = 0; look < 3; look++) await closed.tend(closed.engine)
  assert.equal(closed.driver.tended, 1)
  await closed.tend({ ...closed.engine })
  assert.equal(closed.driver.tended, 2)
})

test('an engine that does not answer is asked again', async () => {
  const { driver, engine, tend } = await running({})
  driver.on('tendConsumers', () => {
    throw new Error('no answer')
  })
  await tend(engine)
  driver.on('tendConsumers', undefined)
  await tend(engine)
  await tend(engine)
  assert.equal(driver.tended, 2)
})

test('an engine is looked at closely for its followers or its consumers', async () => {
  const driver = new ScriptedEngine()
  const look = (spec: Parameters<typeof specOf>[1]): boolean =>
    isPressing({ driver, folder: FOLDER, spec: specOf('db-1', spec) })
  assert.equal(look({}), false)
  assert.equal(look({ settings: { wal_level: 'logical' } }), true)
  assert.equal(look({ replication: { role: 'primary', followers: [], synchronous: [] } }), true)
})
