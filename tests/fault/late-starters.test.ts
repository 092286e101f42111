/** Processes that come up while Holdfast is being stopped: an earlier serve, which was killed, had only just started them. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { access, mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { createInstance } from '../support/database.ts'
import { discard, newStateFolder, startHoldfast } from '../support/holdfast.ts'
import { program } from '../support/program.ts'

for (const role of [['agent', '--az', 'a'], ['endpoint']])
  test(`${role[0]}: one that comes up while everything is being stopped ends at once`, async () => {
    const state = await newStateFolder()
    try {
      await mkdir(join(state, 'run'))
      await writeFile(join(state, 'run', 'stopping'), '')
      const [name, ...more] = role
      const late = spawn(process.execPath, [program(), name!, '--state', state, ...more], {
        stdio: ['ignore', 'pipe', 'pipe'],
      })
      let said = ''
      late.stderr.on('data', (data) => (said += String(data)))
      const [code] = (await once(late, 'close')) as [number]
      assert.equal(code, 0, said)
      assert.match(said, /being stopped/)
    } finally {
      await rm(state, { recursive: true })
    }
  })

test('a stop leaves word for whoever comes late, and the next start takes it away', async () => {
  const holdfast = await startHoldfast()
  const mark = join(holdfast.state, 'run', 'stopping')
  await holdfast.stop()
  await access(mark)
  const next = await startHoldfast({ state: holdfast.state })
  await assert.rejects(access(mark))
  await createInstance(next.rds(), 'orders', { BackupRetentionPeriod: 0 })
  await discard(next)
})
