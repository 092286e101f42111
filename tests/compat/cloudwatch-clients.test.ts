/** Unmodified clients read what was measured of a real instance: boto3, the aws CLI, and the AWS SDK. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { CloudWatchClient, GetMetricStatisticsCommand, ListMetricsCommand } from '@aws-sdk/client-cloudwatch'
import { DeleteDBInstanceCommand } from '@aws-sdk/client-rds'
import type pg from 'pg'
import { lacks, pythonWithBoto3 } from '../../scripts/setup.ts'
import { connect, createInstance, instanceGone } from '../support/database.ts'
import { discard, eventually, startHoldfast, type Holdfast } from '../support/holdfast.ts'

let holdfast: Holdfast
const clients: pg.Client[] = []

before(async () => {
  holdfast = await startHoldfast()
  const instance = await createInstance(holdfast.rds(), 'measured')
  for (let n = 0; n < 2; n++) {
    const client = await connect(holdfast, instance)
    // Its engine is deleted in the end.
    client.on('error', () => {})
    clients.push(client)
  }
})

after(async () => {
  await Promise.all(clients.map((client) => client.end().catch(() => {})))
  await discard(holdfast)
})

/** In an environment with nobody's credentials or settings in it. */
function run(command: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<string> {
  const plain = Object.entries(process.env).filter(([name]) => !/^AWS_|_PROXY$/i.test(name))
  return new Promise((resolve, reject) =>
    execFile(command, args, { env: { ...Object.fromEntries(plain), ...env } }, (error, stdout, stderr) =>
      error ? reject(new Error(`${command}: ${stdout}${stderr}`)) : resolve(stdout),
    ),
  )
}

test('boto3 lists metrics and reads them as statistics and in pages', { skip: lacks('boto3') }, async () => {
  const script = fileURLToPath(new URL('boto3-metrics.py', import.meta.url))
  assert.match(await run(pythonWithBoto3()!, [script, holdfast.url]), /^measured$/m)
})

test('the aws CLI reads them', { skip: lacks('aws') }, async () => {
  const env = { AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test', AWS_DEFAULT_REGION: 'us-east-1' }
  const aws = async (...args: string[]): Promise<Record<string, unknown[]>> =>
    JSON.parse(
      await run('aws', ['cloudwatch', ...args, '--endpoint-url', holdfast.url, '--output', 'json'], env),
    ) as Record<string, unknown[]>
  const [from, to] = [-30, 5].map((minutes) => new Date(Date.now() + minutes * 60_000).toISOString())
  const points = await eventually('the connections', async () => {
    const { Datapoints } = await aws(
      ...['get-metric-statistics', '--namespace', 'AWS/RDS', '--metric-name', 'DatabaseConnections'],
      ...['--dimensions', 'Name=DBInstanceIdentifier,Value=measured', '--statistics', 'Maximum'],
      ...['--period', '3600', '--start-time', from!, '--end-time', to!],
    )
    return Datapoints!.length > 0 ? Datapoints : undefined
  })
  assert.equal((points[0] as { Maximum: number }).Maximum, 2)
  const { Metrics } = await aws('list-metrics', '--namespace', 'AWS/RDS', '--metric-name', 'CPUUtilization')
  assert.equal(Metrics!.length, 1)
})

test('what was measured outlives serve, and the instance', async () => {
  const cloudWatch = (): CloudWatchClient =>
    new CloudWatchClient({
      endpoint: holdfast.url,
      region: 'us-east-1',
      credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
      maxAttempts: 1,
    })
  const count = async (): Promise<number> => {
    const { Datapoints } = await cloudWatch().send(
      new GetMetricStatisticsCommand({
        Namespace: 'AWS/RDS',
        MetricName: 'DatabaseConnections',
        Dimensions: [{ Name: 'DBInstanceIdentifier', Value: 'measured' }],
        StartTime: new Date(Date.now() - 1_800_000),
        EndTime: new Date(Date.now() + 300_000),
        Period: 3600,
        Statistics: ['SampleCount'],
      }),
    )
    return Datapoints![0]?.SampleCount ?? 0
  }
  const before = await eventually('some samples', async () => (await count()) || undefined)
  await holdfast.kill()
  holdfast = await startHoldfast({ state: holdfast.state })
  assert.ok((await count()) >= before)
  await eventually('samples of the time after', async () => ((await count()) > before ? true : undefined))
  await holdfast.rds().send(new DeleteDBInstanceCommand({ DBInstanceIdentifier: 'measured', SkipFinalSnapshot: true }))
  await instanceGone(holdfast.rds(), 'measured')
  assert.ok((await count()) > before)
  await fetch(`${holdfast.url}/_holdfast/reset`, { method: 'POST' })
  assert.deepEqual((await cloudWatch().send(new ListMetricsCommand({}))).Metrics, [])
})
