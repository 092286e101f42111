import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { DAY_MS, HOUR_MS } from '#base/durations.ts'
import { SimulatedClock } from '#host/simulated-clock.ts'
import { systemRandom } from '#host/random.ts'
import { dropOldLogs, listLogs, readLogPart } from './logs.ts'

const folder = mkdtempSync(join(tmpdir(), 'holdfast-logs-'))
after(() => rmSync(folder, { recursive: true, force: true }))
mkdirSync(join(folder, 'log', 'error'), { recursive: true })
const file = (name: string): string => join(folder, 'log', 'error', name)
const NAME = 'postgresql.log.2026-11-20-14'

async function readAll(bytesMax: number): Promise<string[]> {
  const parts: string[] = []
  for (let offset = 0; ;) {
    const part = await readLogPart(folder, `error/${NAME}`, { offset, bytesMax })
    if (!part || part.nextOffset === offset) return parts
    parts.push(part.text)
    offset = part.nextOffset
  }
}

test('portions end with a line, and a line that is still being written is left for later', async () => {
  writeFileSync(file(NAME), 'one\ntwo\nthree\nhal')
  assert.deepEqual(await readAll(9), ['one\ntwo\n', 'three\n'])
})

test('a line that is longer than a portion comes in pieces, and no character is cut', async () => {
  writeFileSync(file(NAME), `${'é€😀'.repeat(5)}\n`)
  for (const bytesMax of [5, 6, 7, 8, 11]) assert.equal((await readAll(bytesMax)).join(''), `${'é€😀'.repeat(5)}\n`)
})

test('log files older than three days are removed, and nothing else is', async () => {
  const now = Date.UTC(2026, 10, 20, 15)
  const old = 'postgresql.log.2026-11-17-13'
  for (const [name, ageMs] of [
    [NAME, HOUR_MS],
    [old, 3 * DAY_MS + HOUR_MS],
    ['other', 9 * DAY_MS],
  ] as const) {
    writeFileSync(file(name), 'x\n')
    utimesSync(file(name), (now - ageMs) / 1_000, (now - ageMs) / 1_000)
  }
  assert.deepEqual(
    (await listLogs(folder)).map(({ name }) => name),
    [`error/${old}`, `error/${NAME}`],
  )
  const clock = new SimulatedClock(now)
  await dropOldLogs(folder, {
    clock,
    random: systemRandom,
    enginesFolder: '',
    account: undefined,
    adminPassword: '',
    gatePassword: '',
    env: {},
  })
  assert.deepEqual(
    (await listLogs(folder)).map(({ name }) => name),
    [`error/${NAME}`],
  )
})
