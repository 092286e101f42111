/** Unmodified clients do the main job against real engines: boto3 with its waiters and paginators, and the aws CLI. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { lacks, pythonWithBoto3 } from '../../scripts/setup.ts'
import { discard, startHoldfast, type Holdfast } from '../support/holdfast.ts'

let holdfast: Holdfast
let folder: string

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'holdfast-clients-'))
  holdfast = await startHoldfast()
})

after(async () => {
  await rm(folder, { recursive: true })
  await discard(holdfast)
})

interface Ended {
  readonly code: number
  readonly output: string
}

/** In an environment with nobody's credentials or settings in it. */
function run(command: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ended> {
  const plain = Object.entries(process.env).filter(([name]) => !/^(AWS_|PG)|_PROXY$/i.test(name))
  const own = { ...Object.fromEntries(plain), ...env }
  return new Promise((resolve) =>
    execFile(command, args, { env: own }, (error, stdout, stderr) => {
      const code = error ? (typeof error.code === 'number' ? error.code : -1) : 0
      resolve({ code, output: `${stdout}${stderr}` })
    }),
  )
}

const path = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url))

/** Two tools, of which the first that is missing is the reason to skip. */
const without = (...tools: Parameters<typeof lacks>[0][]): string | false =>
  tools.map((tool) => lacks(tool)).find((reason) => reason !== false) ?? false

test(
  'boto3 creates, waits, queries, modifies, snapshots, restores, describes, tags and deletes',
  { skip: without('boto3', 'psql') },
  async () => {
    const script = path('boto3-walk.py')
    const { code, output } = await run(pythonWithBoto3()!, [script, holdfast.url, join(folder, 'ca.pem')])
    assert.equal(code, 0, output)
    assert.match(output, /^walked$/m)
  },
)

test('scripts/walk.sh walks the main job with the aws CLI and psql', { skip: without('aws', 'psql') }, async () => {
  const { code, output } = await run('sh', [path('../../scripts/walk.sh')], { ENDPOINT: holdfast.url })
  assert.equal(code, 0, output)
  assert.match(output, /PostgreSQL 18\.4.*TLSv1\.3/)
  assert.match(output, /orders now: 0, in the restored one: 1000/)
  assert.match(output, /instances left of the walk: 0/)
})

const aws = async (...args: string[]): Promise<unknown> => {
  const env = { AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test', AWS_DEFAULT_REGION: 'us-east-1' }
  const { code, output } = await run('aws', ['--endpoint-url', holdfast.url, '--output', 'json', 'rds', ...args], env)
  assert.equal(code, 0, output)
  return output === '' ? undefined : JSON.parse(output)
}

test('the aws CLI reads lists in pages, makes groups, and says what is wrong', { skip: lacks('aws') }, async () => {
  const { DBEngineVersions } = (await aws(
    'describe-db-engine-versions',
    '--engine',
    'postgres',
    '--page-size',
    '20',
  )) as { DBEngineVersions: { EngineVersion: string }[] }
  assert.ok(DBEngineVersions.length > 20)
  assert.ok(DBEngineVersions.some(({ EngineVersion }) => EngineVersion === '18.4'))
  const group = ['--db-parameter-group-name', 'cli']
  await aws('create-db-parameter-group', ...group, '--db-parameter-group-family', 'postgres18', '--description', 'x')
  const value = 'ParameterName=work_mem,ParameterValue=8192,ApplyMethod=immediate'
  await aws('modify-db-parameter-group', ...group, '--parameters', value)
  const { Parameters } = (await aws('describe-db-parameters', ...group, '--source', 'user')) as {
    Parameters: { ParameterName: string }[]
  }
  assert.deepEqual(
    Parameters.map(({ ParameterName }) => ParameterName),
    ['work_mem'],
  )
  await aws('delete-db-parameter-group', ...group)
  await assert.rejects(aws('describe-db-instances', '--db-instance-identifier', 'nobody'), /\(DBInstanceNotFound\)/)
})
