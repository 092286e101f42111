/** What an agent leaves that is killed while it makes a template. */
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { postgresDriver } from '#engine/postgres.ts'
import { processOf, spawnDetached } from '#host/process.ts'
import { eventually } from '../support/eventually.ts'
import { openPostgresBench, type PostgresBench } from '../support/postgres-bench.ts'

let bench: PostgresBench
before(async () => {
  bench = await openPostgresBench()
})
after(() => bench.close())

/** Beyond what Linux gives out. */
const DEAD_PID = 4_194_305

test('the server of a half-made template is stopped, and the template made anew', async () => {
  await bench.driver.prepare('18.4', () => {})
  const postgres = join(bench.root, 'engines', 'postgres')
  const templates = join(postgres, 'templates')
  const [name] = readdirSync(templates)
  const draft = join(templates, `.18.4-${DEAD_PID}-0badcafe`)
  renameSync(join(templates, name!), draft)
  const settings = ['listen_addresses=', `unix_socket_directories=${draft}`, 'logging_collector=off']
  const server = await spawnDetached(
    join(postgres, '18.4', 'bin', 'postgres'),
    ['-D', join(draft, 'data'), ...settings.flatMap((setting) => ['-c', setting])],
    { cwd: draft, env: { PATH: '/usr/bin:/bin' }, account: bench.surroundings.account },
  )
  const lock = join(draft, 'data', 'postmaster.pid')
  await eventually('the server', () =>
    existsSync(lock) && readFileSync(lock, 'utf8').includes('ready') ? true : undefined,
  )

  await postgresDriver(bench.surroundings).prepare('18.4', () => {})
  assert.equal(processOf(server.pid), undefined)
  assert.deepEqual(readdirSync(templates), [name])
})
