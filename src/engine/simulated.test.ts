import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { InstanceSpec } from '#wire/agent/messages.ts'
import { EngineError } from './engine.ts'
import { simulatedDriver } from './simulated.ts'

const spec: InstanceSpec = {
  id: 'db-A',
  engine: 'postgres',
  version: '18.4',
  listenAddress: '127.0.0.1',
  port: 5432,
  settings: {},
  requireTls: true,
  tls: { certificatePem: '', privateKeyPem: '', caPem: '' },
  capacity: { vcpus: 2, memoryBytes: 1e9, storageBytes: 2e10 },
}
const signal = new AbortController().signal
const master = { name: 'app', passwordVerifier: 'x' }

test('an instance is made, runs until it is stopped, and is found meanwhile', async () => {
  const driver = simulatedDriver({ versions: ['18.4'] })
  await driver.initialize('a', spec, signal)
  const engine = await driver.start('a', spec, signal)
  await driver.bootstrap('a', spec, master, 'shop')
  assert.equal(await driver.probe('a', spec), true)
  assert.equal(await driver.adopt('a', spec), engine)
  await driver.stop(engine, 'fast', 1)
  await engine.exited
  assert.equal(await driver.probe('a', spec), false)
  assert.equal(await driver.adopt('a', spec), undefined)
})

test('a version that is not known is engine-unavailable', async () => {
  const driver = simulatedDriver({ versions: ['18.4'] })
  const isUnavailable = (error: unknown): boolean => error instanceof EngineError && error.code === 'engine-unavailable'
  await assert.rejects(
    driver.prepare('9.6', () => {}),
    isUnavailable,
  )
  await assert.rejects(driver.initialize('a', { ...spec, version: '9.6' }, signal), isUnavailable)
})

test('a snapshot is remembered, and one that was never made cannot be restored', async () => {
  const driver = simulatedDriver({ versions: ['18.4'] })
  await driver.initialize('a', spec, signal)
  assert.deepEqual(await driver.snapshot('a', spec, 's', false, signal), { sizeBytes: 0, engineVersion: '18.4' })
  await driver.restore('b', spec, 's', signal)
  await assert.rejects(driver.restore('c', spec, 'absent', signal), EngineError)
})

test('the log says what happened and is read in portions', async () => {
  const driver = simulatedDriver({ versions: ['18.4'] })
  await driver.initialize('a', spec, signal)
  await driver.start('a', spec, signal)
  const [log] = await driver.logs('a')
  const first = await driver.readLog('a', log!.name, 0, 10)
  const rest = await driver.readLog('a', log!.name, first!.nextOffset, 1_000)
  assert.match(first!.text + rest!.text, /ready on port 5432\n$/)
  assert.equal(rest!.nextOffset, log!.sizeBytes)
  assert.equal(await driver.readLog('a', 'other', 0, 10), undefined)
})
