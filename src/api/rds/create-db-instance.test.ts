/** What real engines cannot make true is refused. The other rules: tests/compat/bad-input.test.ts. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { requestContext, testControl } from '../../../tests/support/control.ts'
import { CreateDBInstance } from './create-db-instance.ts'
import { DescribeDBInstances } from './describe-db-instances.ts'

type Input = Parameters<typeof CreateDBInstance>[0]

const good = (id: string): Input => ({
  DBInstanceIdentifier: id,
  Engine: 'postgres',
  DBInstanceClass: 'db.t4g.micro',
  AllocatedStorage: 20,
  MasterUsername: 'app',
  MasterUserPassword: 'correct-horse-battery',
})

const REFUSED: readonly Partial<Input>[] = [
  { MultiAZ: true, AvailabilityZone: 'us-east-1a' },
  { StorageEncrypted: true },
  { KmsKeyId: 'alias/mine' },
  { EnableIAMDatabaseAuthentication: true },
  { EnablePerformanceInsights: true },
  { MonitoringInterval: 60 },
  { EnableCloudwatchLogsExports: ['postgresql'] },
  { DedicatedLogVolume: true },
  { NetworkType: 'DUAL' },
  { BackupTarget: 'outposts' },
  { Domain: 'd-1' },
  { MultiTenant: true },
  { TdeCredentialArn: 'arn:aws:secretsmanager:us-east-1:000000000000:secret:tde' },
]

for (const asked of REFUSED)
  test(`real engines refuse ${JSON.stringify(asked)}, and nothing is created`, async () => {
    const context = requestContext(testControl())
    await assert.rejects(async () => CreateDBInstance({ ...good('orders'), ...asked }, context), {
      name: 'InvalidParameterCombination',
    })
    assert.deepEqual((await DescribeDBInstances({}, context)).DBInstances, [])
  })

test('what asks for nothing is not refused', async () => {
  const context = requestContext(testControl())
  const nothing = { MultiAZ: false, StorageEncrypted: false, MonitoringInterval: 0, EnableCloudwatchLogsExports: [] }
  const { DBInstance } = await CreateDBInstance({ ...good('orders'), ...nothing }, context)
  assert.equal(DBInstance!.DBInstanceStatus, 'creating')
})

test('of real instances an account may have forty in a region', async () => {
  const context = requestContext(testControl())
  for (let n = 0; n < 40; n++) await CreateDBInstance(good(`i-${n}`), context)
  await assert.rejects(async () => CreateDBInstance(good('one-more'), context), { name: 'InstanceQuotaExceededFault' })
  assert.equal((await DescribeDBInstances({}, context)).DBInstances!.length, 40)
})
