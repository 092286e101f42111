import assert from 'node:assert/strict'
import { test } from 'node:test'
import { requireQuota } from '#control/quota/quotas.ts'
import { requestContext, SCOPE, testControl } from '../../../tests/support/control.ts'
import { putInstance } from '../../../tests/support/instance.ts'
import { CreateOptionGroup } from './create-option-group.ts'
import { DescribeAccountAttributes } from './describe-account-attributes.ts'
import { DescribePendingMaintenanceActions } from './describe-pending-maintenance-actions.ts'
import { DescribeReservedDBInstancesOfferings } from './describe-reserved-db-instances-offerings.ts'
import { DescribeReservedDBInstances } from './describe-reserved-db-instances.ts'
import { DescribeSourceRegions } from './describe-source-regions.ts'

test('quotas show what is used', async () => {
  const control = testControl()
  await putInstance(control)
  await putInstance(control, { id: 'users', parameterGroup: 'x' })
  const { AccountQuotas } = await DescribeAccountAttributes({}, requestContext(control))
  const used = (name: string): number | undefined =>
    AccountQuotas!.find((quota) => quota.AccountQuotaName === name)?.Used
  assert.equal(used('DBInstances'), 2)
  assert.equal(used('AllocatedStorage'), 40)
  assert.equal(used('ManualSnapshots'), 0)
  assert.equal(AccountQuotas!.find((quota) => quota.AccountQuotaName === 'DBInstances')!.Max, 40)
})

test('one more than the quota is refused, except where nothing is real', async () => {
  const control = testControl()
  for (let n = 0; n < 40; n++) {
    await requireQuota(control, SCOPE, 'DBInstances')
    await putInstance(control, { id: `db-${n}` })
  }
  await assert.rejects(requireQuota(control, SCOPE, 'DBInstances'), { name: 'InstanceQuotaExceededFault' })
  await requireQuota({ ...control, simulated: true }, SCOPE, 'DBInstances')
  await requireQuota(control, { ...SCOPE, region: 'eu-west-1' }, 'DBInstances')
})

test('groups count too', async () => {
  const context = requestContext(testControl())
  const create = async (n: number): Promise<unknown> =>
    CreateOptionGroup(
      { OptionGroupName: `og-${n}`, EngineName: 'postgres', MajorEngineVersion: '18', OptionGroupDescription: 'x' },
      context,
    )
  for (let n = 0; n < 20; n++) await create(n)
  await assert.rejects(create(20), { name: 'OptionGroupQuotaExceededFault' })
})

test('what there is nothing of is an empty list, and asking for one is a fault', async () => {
  const control = testControl()
  const context = requestContext(control)
  await putInstance(control)
  assert.deepEqual(await DescribeSourceRegions({}, context), { SourceRegions: [] })
  assert.deepEqual(await DescribeReservedDBInstances({}, context), { ReservedDBInstances: [] })
  assert.deepEqual(await DescribeReservedDBInstancesOfferings({}, context), { ReservedDBInstancesOfferings: [] })
  const ResourceIdentifier = 'arn:aws:rds:us-east-1:000000000000:db:orders'
  assert.deepEqual(await DescribePendingMaintenanceActions({ ResourceIdentifier }, context), {
    PendingMaintenanceActions: [],
  })
  await assert.rejects(
    async () => DescribePendingMaintenanceActions({ ResourceIdentifier: `${ResourceIdentifier}x` }, context),
    {
      name: 'ResourceNotFoundFault',
    },
  )
  await assert.rejects(
    async () => DescribePendingMaintenanceActions({ Filters: [{ Name: 'x', Values: ['y'] }] }, context),
    {
      name: 'InvalidParameterValue',
    },
  )
  await assert.rejects(async () => DescribeReservedDBInstances({ ReservedDBInstanceId: 'x' }, context), {
    name: 'ReservedDBInstanceNotFoundFault',
  })
  await assert.rejects(
    async () => DescribeReservedDBInstancesOfferings({ ReservedDBInstancesOfferingId: 'x' }, context),
    {
      name: 'ReservedDBInstancesOfferingNotFoundFault',
    },
  )
})
