/** Every wrong request about maintenance gets RDS's own code and HTTP status, and changes nothing. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { discard, startHoldfast, type Holdfast } from '../support/holdfast.ts'
import { sendForm, sendGoodForm, type Members } from '../support/form.ts'

let holdfast: Holdfast

const make = (action: string, members: Members): Promise<string> => sendGoodForm(holdfast, action, members)

before(async () => {
  holdfast = await startHoldfast({ engines: 'simulated' })
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

after(() => discard(holdfast))

const arn = (id: string, scope = 'us-east-1:000000000000'): string => `arn:aws:rds:${scope}:db:${id}`

/** Everything that can be seen, without what each answer has of its own. */
async function world(): Promise<string[]> {
  const views = ['DescribeDBInstances', 'DescribePendingMaintenanceActions', 'DescribeEvents']
  const bodies = await Promise.all(views.map((view) => make(view, {})))
  return bodies.map((body) => body.replace(/<RequestId>[^<]*<\/RequestId>/, ''))
}

type Row = readonly [what: string, members: Members, code: string, status: number, says: RegExp]

function rows(action: string, base: Members, cases: readonly Row[]): void {
  for (const [what, members, code, status, says] of cases)
    test(`${action}, ${what}: ${code}`, async () => {
      const before = await world()
      const sent = Object.entries({ ...base, ...members }).filter(([, value]) => value !== '(none)')
      const answer = await sendForm(holdfast, action, Object.fromEntries(sent) as Members)
      assert.deepEqual([answer.code, answer.status], [code, status], answer.body)
      assert.match(answer.message, says)
      assert.deepEqual(await world(), before)
    })
}

const VALUE = 'InvalidParameterValue'
const MISSING = 'ResourceNotFoundFault'
const STATE = 'InvalidDBInstanceState'

rows(
  'ApplyPendingMaintenanceAction',
  { ResourceIdentifier: arn('old'), ApplyAction: 'db-upgrade', OptInType: 'immediate' },
  [
    ['no resource', { ResourceIdentifier: '(none)' }, VALUE, 400, /ResourceIdentifier/],
    ['a name in the place of an ARN', { ResourceIdentifier: 'old' }, VALUE, 400, /Invalid resource name: old/],
    ['an instance that is none', { ResourceIdentifier: arn('none') }, MISSING, 404, /could not be found/],
    [
      'another account',
      { ResourceIdentifier: arn('old', 'us-east-1:111111111111') },
      MISSING,
      404,
      /could not be found/,
    ],
    [
      'another region',
      { ResourceIdentifier: arn('old', 'eu-west-1:000000000000') },
      MISSING,
      404,
      /could not be found/,
    ],
    ['no action', { ApplyAction: '(none)' }, VALUE, 400, /ApplyAction/],
    ['an action that is none', { ApplyAction: 'db-downgrade' }, VALUE, 400, /db-downgrade for ApplyAction/],
    ['an action that is not pending', { ApplyAction: 'system-update' }, MISSING, 404, /no pending maintenance action/],
    ['an instance without one', { ResourceIdentifier: arn('newest') }, MISSING, 404, /no pending maintenance action/],
    ['no type', { OptInType: '(none)' }, VALUE, 400, /OptInType/],
    ['a type that is none', { OptInType: 'later' }, VALUE, 400, /Invalid value later for OptInType/],
    ['at once while it is stopped', { ResourceIdentifier: arn('stopped') }, STATE, 400, /its status is stopped/],
  ],
)

rows('DescribePendingMaintenanceActions', {}, [
  ['a name in the place of an ARN', { ResourceIdentifier: 'old' }, VALUE, 400, /Invalid resource name/],
  ['an instance that is none', { ResourceIdentifier: arn('none') }, MISSING, 404, /could not be found/],
  [
    'a filter that is none',
    { 'Filters.Filter.1.Name': 'x', 'Filters.Filter.1.Values.Value.1': 'y' },
    VALUE,
    400,
    /filter/,
  ],
  ['a page of one', { MaxRecords: 1 }, VALUE, 400, /MaxRecords/],
  ['a marker that is none', { Marker: 'x' }, VALUE, 400, /Marker/],
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
