import { test } from 'node:test'
import assert from 'node:assert/strict'
import { SimulatedClock } from '#host/simulated-clock.ts'
import { openLog, type LogLevel } from './log.ts'

function capture(level: LogLevel = 'info') {
  const lines: Record<string, unknown>[] = []
  const destination = { write: (line: string) => void lines.push(JSON.parse(line) as Record<string, unknown>) }
  const log = openLog({ level, clock: new SimulatedClock(0), destination, fields: { role: 'serve' } })
  return { log, lines }
}

test('a line is one JSON document with level, time, fields and message', () => {
  const { log, lines } = capture()
  log.child({ flow: 'f-1' }).info({ step: 'start' }, 'step ran')
  assert.deepEqual(lines, [
    { level: 'info', time: '1970-01-01T00:00:00.000Z', role: 'serve', flow: 'f-1', step: 'start', message: 'step ran' },
  ])
})

test('lines below the level are not written', () => {
  const { log, lines } = capture('warn')
  log.info({}, 'not this')
  log.error({}, 'this')
  assert.deepEqual(
    lines.map((l) => l['message']),
    ['this'],
  )
})

test('an error is written with its message and its cause', () => {
  const { log, lines } = capture()
  log.warn({ error: new Error('start postgres', { cause: new Error('ENOENT') }) }, 'failed')
  const error = lines[0]!['error'] as { message: string; stack: string }
  assert.equal(error.message, 'start postgres: ENOENT')
  assert.match(error.stack, /log\.test/)
})

test('a secret passed by mistake is not written, also not from inside', () => {
  const { log, lines } = capture()
  log.info({ password: 'p1', input: { MasterUserPassword: 'p2', spec: { privateKeyPem: 'p3' } } }, 'created')
  assert.doesNotMatch(JSON.stringify(lines), /p1|p2|p3/)
  assert.match(JSON.stringify(lines), /\(secret\)/)
})
