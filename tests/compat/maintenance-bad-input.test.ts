/** Every wrong request about maintenance gets RDS's own code and HTTP status, and changes nothing. */
import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { NONE, refusals } from '../support/bad-input.ts'

const { make, rows } = await refusals({
  views: ['DescribeDBInstances', 'DescribePendingMaintenanceActions', 'DescribeEvents'],
  status: { ResourceNotFoundFault: 404 },
})

before(async () => {
  const base = {
    Engine: 'postgres',
    DBInstanceClass: 'db.t4g.micro',
    AllocatedStorage: 20,
    MasterUsername: 'app',
    MasterUserPassword: 'correct-horse-battery',
    BackupRetentionPeriod: 0,
  } as const
  await make('CreateDBInstance', { ...base, DBInstanceIdentifier: 'old', EngineVersion: '18.3' })
  await make('CreateDBInstance', { ...base, DBInstanceIdentifier: 'stopped', EngineVersion: '18.3' })
  await make('CreateDBInstance', { ...base, DBInstanceIdentifier: 'newest' })
  await make('StopDBInstance', { DBInstanceIdentifier: 'stopped' })
})

const arn = (id: string, scope = 'us-east-1:000000000000'): string => `arn:aws:rds:${scope}:db:${id}`

const VALUE = 'InvalidParameterValue'
const MISSING = 'ResourceNotFoundFault'
const STATE = 'InvalidDBInstanceState'

rows(
  'ApplyPendingMaintenanceAction',
  { ResourceIdentifier: arn('old'), ApplyAction: 'db-upgrade', OptInType: 'immediate' },
  [
    ['no resource', { ResourceIdentifier: NONE }, VALUE, /ResourceIdentifier/],
    ['a name in the place of an ARN', { ResourceIdentifier: 'old' }, VALUE, /Invalid resource name: old/],
    ['an instance that is none', { ResourceIdentifier: arn('none') }, MISSING, /could not be found/],
    ['another account', { ResourceIdentifier: arn('old', 'us-east-1:111111111111') }, MISSING, /could not be found/],
    ['another region', { ResourceIdentifier: arn('old', 'eu-west-1:000000000000') }, MISSING, /could not be found/],
    ['no action', { ApplyAction: NONE }, VALUE, /ApplyAction/],
    ['an action that is none', { ApplyAction: 'db-downgrade' }, VALUE, /db-downgrade for ApplyAction/],
    ['an action that is not pending', { ApplyAction: 'system-update' }, MISSING, /no pending maintenance action/],
    ['an instance without one', { ResourceIdentifier: arn('newest') }, MISSING, /no pending maintenance action/],
    ['no type', { OptInType: NONE }, VALUE, /OptInType/],
    ['a type that is none', { OptInType: 'later' }, VALUE, /Invalid value later for OptInType/],
    ['at once while it is stopped', { ResourceIdentifier: arn('stopped') }, STATE, /its status is stopped/],
  ],
)

rows('DescribePendingMaintenanceActions', {}, [
  ['a name in the place of an ARN', { ResourceIdentifier: 'old' }, VALUE, /Invalid resource name/],
  ['an instance that is none', { ResourceIdentifier: arn('none') }, MISSING, /could not be found/],
  ['a filter that is none', { 'Filters.Filter.1.Name': 'x', 'Filters.Filter.1.Values.Value.1': 'y' }, VALUE, /filter/],
  ['a page of one', { MaxRecords: 1 }, VALUE, /MaxRecords/],
  ['a marker that is none', { Marker: 'x' }, VALUE, /Marker/],
])

test('actions are listed by instance, also of a stopped one, and found by filter', async () => {
  const all = await make('DescribePendingMaintenanceActions', {})
  const found = [...all.matchAll(/<ResourceIdentifier>([^<]+)</g)].map(([, text]) => text)
  assert.deepEqual(found, [arn('old'), arn('stopped')])
  const filter = { 'Filters.Filter.1.Name': 'db-instance-id', 'Filters.Filter.1.Values.Value.1': arn('stopped') }
  const one = await make('DescribePendingMaintenanceActions', filter)
  assert.deepEqual(
    [...one.matchAll(/<ResourceIdentifier>([^<]+)</g)].map(([, text]) => text),
    [arn('stopped')],
  )
})
