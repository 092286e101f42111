/**
 * What the CLI prints, against a stub, compared with the files in `golden/`. `UPDATE_GOLDEN=1` writes them anew: read
 * the difference before it is committed.
 */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { startApi } from './signed-api.ts'
import { STUB_CA, startStub } from './stub-holdfast.ts'
import type { StubHoldfast } from './stub-holdfast.ts'

const BINARY = fileURLToPath(new URL('../../bin/holdfast.js', import.meta.url))
const GOLDEN = join(import.meta.dirname, 'golden')
const root = mkdtempSync(join(tmpdir(), 'holdfast-cli-'))
let stub: StubHoldfast

before(async () => {
  stub = await startStub()
})
after(() => {
  stub.close()
  rmSync(root, { recursive: true, force: true })
})

interface Ran {
  readonly stdout: string
  readonly stderr: string
  readonly status: number | null
}

interface RunOptions {
  readonly env?: Readonly<Record<string, string>>
  /** Sends Ctrl-C once this has been printed. */
  readonly interruptAt?: string
}

async function holdfast(args: readonly string[], options: RunOptions = {}): Promise<Ran> {
  const env = {
    PATH: process.env['PATH'],
    HOME: root,
    XDG_CACHE_HOME: join(root, 'cache'),
    HOLDFAST_ENDPOINT: stub.endpoint,
    ...options.env,
  }
  const child = spawn(process.execPath, [BINARY, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] })
  const said = { stdout: '', stderr: '' }
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream].setEncoding('utf8').on('data', (text: string) => {
      said[stream] += text
      if (options.interruptAt !== undefined && said.stdout.includes(options.interruptAt)) child.kill('SIGINT')
    })
  }
  const status = await new Promise<number | null>((resolve) => child.once('close', resolve))
  return { ...said, status }
}

/** One text of all that can be seen, without what differs between machines. */
function shown({ stdout, stderr, status }: Ran): string {
  const parts = [`status ${status}\n`, stdout && `── stdout\n${stdout}`, stderr && `── stderr\n${stderr}`]
  return parts.join('').replaceAll(root, '$HOME').replaceAll(new URL(stub.endpoint).port, '$PORT')
}

function compare(name: string, text: string): void {
  const path = join(GOLDEN, `${name}.txt`)
  if (process.env['UPDATE_GOLDEN'] === '1') {
    mkdirSync(GOLDEN, { recursive: true })
    writeFileSync(path, text)
  }
  assert.ok(existsSync(path), `${path} is missing: run with UPDATE_GOLDEN=1`)
  assert.equal(text, readFileSync(path, 'utf8'))
}

const CASES: Readonly<Record<string, readonly string[]>> = {
  help: ['--help'],
  'help-start': ['start', '--help'],
  'help-stop': ['stop', '--help'],
  'help-status': ['status', '--help'],
  'help-psql': ['psql', '--help'],
  'help-logs': ['logs', '--help'],
  'help-connect': ['connect', '--help'],
  'help-engines': ['engines', '--help'],
  'help-reset': ['reset', '--help'],
  status: ['status'],
  'status-json': ['status', '--json'],
  engines: ['engines'],
  'engines-json': ['engines', '--json'],
  connect: ['connect', 'orders'],
  'connect-json': ['connect', 'orders', '--json'],
  'connect-not-ready': ['connect', 'new-one'],
  'connect-failed': ['connect', 'broken'],
  'connect-other-engine': ['connect', 'legacy'],
  'connect-not-found': ['connect', 'nothing', '--account', '111122223333', '--region', 'eu-west-1'],
  'connect-not-found-json': ['connect', 'nothing', '--json'],
  logs: ['logs', 'orders'],
  'logs-json': ['logs', 'orders', '--json'],
  'logs-bad-lines': ['logs', 'orders', '--lines', 'many'],
  'reset-unsure': ['reset'],
  reset: ['reset', '--yes'],
  'unknown-command': ['frobnicate'],
  'unknown-option': ['status', '--colour'],
  'missing-name': ['connect'],
  'bad-account': ['status', '--account', '12'],
  'bad-endpoint': ['status', '--endpoint', 'localhost'],
  'bad-port': ['start', '--port', '70000'],
  'bad-engines': ['start', '--engines', 'imaginary'],
}

for (const [name, args] of Object.entries(CASES)) {
  test(`holdfast ${args.join(' ')}`, async () => compare(name, shown(await holdfast(args))))
}

test('nothing at the endpoint is told with the command that starts Holdfast', async () => {
  const silent = await startStub()
  silent.close()
  const ran = await holdfast(['status', '--endpoint', silent.endpoint])
  compare('unreachable', shown(ran).replaceAll(new URL(silent.endpoint).port, '$PORT'))
})

test('an endpoint that is no Holdfast is told from one that is not there', async () => {
  const ran = await holdfast(['status', '--endpoint', `${stub.endpoint}/elsewhere`])
  assert.equal(ran.status, 1)
})

test('account and region come from the options, then from the environment', async () => {
  const asked = async (args: readonly string[], env: Readonly<Record<string, string>>): Promise<string | undefined> => {
    await holdfast(['status', ...args], { env })
    return stub.requests.findLast((request) => request.includes('DescribeDBInstances'))
  }
  const env = { AWS_REGION: 'eu-north-1', AWS_ACCESS_KEY_ID: 'AKIAX', AWS_SECRET_ACCESS_KEY: 'x' }
  assert.equal(await asked([], {}), 'POST DescribeDBInstances us-east-1/test')
  assert.equal(await asked([], env), 'POST DescribeDBInstances eu-north-1/AKIAX')
  const options = ['--region', 'us-west-2', '--account', '111122223333']
  assert.equal(await asked(options, env), 'POST DescribeDBInstances us-west-2/111122223333')
})

test('psql is given the connection and the CA, and its arguments and status are passed through', async () => {
  const folder = mkdtempSync(join(root, 'bin-'))
  const script = '#!/bin/sh\nenv | grep ^PG | sort\necho "arguments: $@"\ncat "$PGSSLROOTCERT"\nexit 5\n'
  writeFileSync(join(folder, 'psql'), script, { mode: 0o755 })
  const env = { PATH: `${folder}${delimiter}${process.env['PATH'] ?? ''}`, PGPASSWORD: 'kept' }
  const ran = await holdfast(['psql', 'orders', '--', '-c', 'select 1'], { env })
  compare('psql', shown(ran))
  assert.ok(ran.stdout.endsWith(STUB_CA))
})

test('without psql on the path the way to get it is told', async () => {
  const ran = await holdfast(['psql', 'orders'], { env: { PATH: mkdtempSync(join(root, 'empty-')) } })
  assert.equal(ran.status, 1)
  assert.match(ran.stderr, /^psql is not installed.*\n {2}Next: .*(apt-get|brew) install.*holdfast connect orders\n$/)
})

test('a simulated database is not connected to', async () => {
  stub.simulated = true
  try {
    const folder = mkdtempSync(join(root, 'bin-'))
    writeFileSync(join(folder, 'psql'), '#!/bin/sh\n', { mode: 0o755 })
    compare('psql-simulated', shown(await holdfast(['psql', 'orders'], { env: { PATH: folder } })))
  } finally {
    stub.simulated = false
  }
})

test('a stopped database is told with the command that starts it', async () => {
  const folder = mkdtempSync(join(root, 'bin-'))
  writeFileSync(join(folder, 'psql'), '#!/bin/sh\n', { mode: 0o755 })
  compare('psql-stopped', shown(await holdfast(['psql', 'asleep'], { env: { PATH: folder } })))
})

test('a followed log goes on with what comes, until it is interrupted', async () => {
  const ran = await holdfast(['logs', 'orders', '--follow', '--lines', '2'], { interruptAt: 'third\n' })
  assert.equal(ran.stdout, 'first\nsecond\nthird\n')
  assert.equal(ran.stderr, '')
})

test('output that nobody reads to its end is no error', async () => {
  const command = `"${process.execPath}" "${BINARY}" logs orders --follow | head -n 1`
  const env = { PATH: process.env['PATH'], HOLDFAST_ENDPOINT: stub.endpoint }
  const child = spawn('/bin/sh', ['-c', command], { env, stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (said += text))
  await new Promise((resolve) => child.once('close', resolve))
  assert.equal(said, 'first\n')
})

for (const [flags, engines] of [
  [[], 'stop'],
  [['--keep-engines'], 'keep'],
] as const) {
  test(`holdfast stop ${flags.join(' ')} asks, and waits until nobody answers`, async () => {
    const own = await startStub()
    const ran = await holdfast(['stop', ...flags, '--endpoint', own.endpoint])
    compare(`stop-${engines}`, shown(ran))
    assert.equal(own.requests[0], `POST /_holdfast/stop {"engines":"${engines}"}`)
  })
}

test('what changes something is signed, with the access key of the environment', async () => {
  const own = await startApi({ AKIAREAL: 'the secret' })
  const reset = (secret: string): Promise<Ran> => {
    const env = { AWS_ACCESS_KEY_ID: 'AKIAREAL', AWS_SECRET_ACCESS_KEY: secret, HOLDFAST_ENDPOINT: own.endpoint }
    return holdfast(['reset', '--yes'], { env })
  }
  try {
    assert.equal((await reset('the secret')).status, 0)
    const refused = await reset('another')
    assert.equal(refused.status, 1)
    assert.match(refused.stderr, /SignatureDoesNotMatch/)
  } finally {
    own.close()
  }
})
