import { test } from 'node:test'
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { DAY_MS } from '#base/durations.ts'
import { commit } from '#control/control.ts'
import { createManagedSecret, deleteManagedSecret, putManagedSecret, readSecret } from '#control/secrets/managed.ts'
import type { Vault } from '#trust/vault.ts'
import { requestContext, SCOPE, testControl } from '../../../tests/support/control.ts'
import { secretsManagerHandlers as sm } from './service.ts'

const named = (name: string, message?: RegExp) => (error: unknown) => {
  assert.equal((error as Error).name, name)
  if (message) assert.match((error as Error).message, message)
  return true
}

/** Opens only what it sealed under the same label, like the real one. */
const labelled: Vault = {
  seal: (clear, label) => Buffer.from(JSON.stringify([label, clear])).toString('base64'),
  open(sealed, label) {
    const [under, clear] = JSON.parse(Buffer.from(sealed, 'base64').toString()) as [string, string]
    assert.equal(label, under)
    return clear
  },
  derive: (label) => createHash('sha256').update(label).digest(),
}

function fresh() {
  const control = testControl({ vault: labelled })
  return { control, context: requestContext(control) }
}

async function withSecret() {
  const { control, context } = fresh()
  const created = await sm.CreateSecret({ Name: 'app/db', SecretString: 'one' }, context)
  return { control, context, ARN: created.ARN!, first: created.VersionId! }
}

test('a secret can be read by name, by ARN and by ARN without its end, and is stored sealed', async () => {
  const { control, context, ARN, first } = await withSecret()
  assert.match(ARN, /^arn:aws:secretsmanager:us-east-1:000000000000:secret:app\/db-[A-Za-z0-9]{6}$/)
  for (const SecretId of ['app/db', ARN, ARN.slice(0, -7)]) {
    const read = await sm.GetSecretValue({ SecretId }, context)
    assert.deepEqual([read.SecretString, read.VersionId, read.VersionStages], ['one', first, ['AWSCURRENT']])
  }
  const { entries } = await control.store.range('')
  assert.ok(entries.every((entry) => !entry.value.includes('one')))
})

test('bytes come back as they were', async () => {
  const { context } = fresh()
  const SecretBinary = Uint8Array.from([0, 255, 7])
  await sm.CreateSecret({ Name: 'bytes', SecretBinary }, context)
  const read = await sm.GetSecretValue({ SecretId: 'bytes' }, context)
  assert.deepEqual(Uint8Array.from(read.SecretBinary!), SecretBinary)
})

test('a new value is current, the one before previous; both can be read', async () => {
  const { context, first } = await withSecret()
  const put = await sm.PutSecretValue({ SecretId: 'app/db', SecretString: 'two' }, context)
  assert.deepEqual(put.VersionStages, ['AWSCURRENT'])
  const read = async (more: object) => (await sm.GetSecretValue({ SecretId: 'app/db', ...more }, context)).SecretString
  assert.equal(await read({}), 'two')
  assert.equal(await read({ VersionStage: 'AWSPREVIOUS' }), 'one')
  assert.equal(await read({ VersionId: first }), 'one')
  await assert.rejects(read({ VersionId: first, VersionStage: 'AWSCURRENT' }), named('InvalidRequestException'))
  await assert.rejects(read({ VersionStage: 'AWSPENDING' }), named('ResourceNotFoundException', /AWSPENDING/))
  const described = await sm.DescribeSecret({ SecretId: 'app/db' }, context)
  assert.deepEqual(described.VersionIdsToStages, { [first]: ['AWSPREVIOUS'], [put.VersionId!]: ['AWSCURRENT'] })
})

test('a rotation: a pending version is put, then made current', async () => {
  const { context, first } = await withSecret()
  const SecretId = 'app/db'
  const put = await sm.PutSecretValue({ SecretId, SecretString: 'two', VersionStages: ['AWSPENDING'] }, context)
  assert.equal((await sm.GetSecretValue({ SecretId }, context)).SecretString, 'one')
  const move = { SecretId, VersionStage: 'AWSCURRENT', MoveToVersionId: put.VersionId! }
  await assert.rejects(
    async () => sm.UpdateSecretVersionStage(move, context),
    named('InvalidParameterException', /RemoveFromVersionId/),
  )
  await sm.UpdateSecretVersionStage({ ...move, RemoveFromVersionId: first }, context)
  assert.equal((await sm.GetSecretValue({ SecretId }, context)).SecretString, 'two')
  const off = { SecretId, VersionStage: 'AWSCURRENT', RemoveFromVersionId: put.VersionId! }
  await assert.rejects(
    async () => sm.UpdateSecretVersionStage(off, context),
    named('InvalidParameterException', /completely removed/),
  )
  await sm.UpdateSecretVersionStage({ ...off, VersionStage: 'AWSPENDING' }, context)
  const { Versions } = await sm.ListSecretVersionIds({ SecretId }, context)
  assert.deepEqual(Object.fromEntries(Versions!.map((v) => [v.VersionId, v.VersionStages])), {
    [first]: ['AWSPREVIOUS'],
    [put.VersionId!]: ['AWSCURRENT'],
  })
})

test('a repeated request changes nothing; the same token for another value is refused', async () => {
  const { context } = fresh()
  const ClientRequestToken = '11111111-1111-4111-8111-111111111111'
  const create = async (SecretString: string) =>
    sm.CreateSecret({ Name: 'n', SecretString, ClientRequestToken }, context)
  assert.deepEqual(await create('v'), await create('v'))
  await assert.rejects(create('w'), named('ResourceExistsException', /already exists/))
  const put = async (SecretString: string) =>
    sm.PutSecretValue({ SecretId: 'n', SecretString, ClientRequestToken }, context)
  assert.equal((await put('v')).VersionId, ClientRequestToken)
  await assert.rejects(put('w'), named('ResourceExistsException', /ClientRequestToken/))
  assert.equal((await sm.ListSecretVersionIds({ SecretId: 'n', IncludeDeprecated: true }, context)).Versions!.length, 1)
})

test('UpdateSecret changes what it is given and nothing else', async () => {
  const { context, first } = await withSecret()
  await sm.UpdateSecret({ SecretId: 'app/db', Description: 'of the app' }, context)
  assert.equal((await sm.GetSecretValue({ SecretId: 'app/db' }, context)).VersionId, first)
  const updated = await sm.UpdateSecret({ SecretId: 'app/db', SecretString: 'two', KmsKeyId: 'alias/k' }, context)
  assert.notEqual(updated.VersionId, first)
  const described = await sm.DescribeSecret({ SecretId: 'app/db' }, context)
  assert.deepEqual([described.Description, described.KmsKeyId], ['of the app', 'alias/k'])
})

test('a deleted secret cannot be read but restored, until its window is over', async () => {
  const { control, context } = await withSecret()
  const SecretId = 'app/db'
  const read = async () => (await sm.GetSecretValue({ SecretId }, context)).SecretString
  const deleted = await sm.DeleteSecret({ SecretId, RecoveryWindowInDays: 7 }, context)
  assert.equal(deleted.DeletionDate!.getTime(), control.clock.now() + 7 * DAY_MS)
  await assert.rejects(read, named('InvalidRequestException', /marked for deletion/))
  await assert.rejects(async () => sm.CreateSecret({ Name: SecretId }, context), named('InvalidRequestException'))
  assert.equal((await sm.ListSecrets({}, context)).SecretList!.length, 0)
  assert.equal((await sm.ListSecrets({ IncludePlannedDeletion: true }, context)).SecretList!.length, 1)
  assert.ok((await sm.DescribeSecret({ SecretId }, context)).DeletedDate)
  await sm.RestoreSecret({ SecretId }, context)
  assert.equal(await read(), 'one')
  await sm.DeleteSecret({ SecretId }, context)
  await control.clock.advance(30 * DAY_MS)
  await assert.rejects(read, named('ResourceNotFoundException'))
  assert.deepEqual((await control.store.range('secretsmanager/')).entries, [], 'neither its value is left')
})

test('a secret can be deleted at once, also one that is not there', async () => {
  const { context, ARN } = await withSecret()
  const force = { SecretId: 'app/db', ForceDeleteWithoutRecovery: true }
  await assert.rejects(
    async () => sm.DeleteSecret({ ...force, RecoveryWindowInDays: 7 }, context),
    named('InvalidParameterException'),
  )
  assert.equal((await sm.DeleteSecret(force, context)).ARN, ARN)
  await sm.DeleteSecret(force, context)
  const again = await sm.CreateSecret({ Name: 'app/db', SecretString: 'x' }, context)
  assert.notEqual(again.ARN, ARN)
  await assert.rejects(async () => sm.GetSecretValue({ SecretId: ARN }, context), named('ResourceNotFoundException'))
})

test('wrong input is refused', async () => {
  const { context } = await withSecret()
  const refused = (name: string, call: () => unknown) => assert.rejects(async () => call(), named(name))
  await refused('InvalidParameterException', () => sm.CreateSecret({ Name: 'no spaces', SecretString: 's' }, context))
  await refused('InvalidParameterException', () => sm.CreateSecret({ Name: 'rds!db-1', SecretString: 's' }, context))
  await refused('InvalidParameterException', () =>
    sm.CreateSecret({ Name: 'n', SecretString: 's'.repeat(65_537) }, context),
  )
  const both = { SecretString: 's', SecretBinary: Uint8Array.of(1) }
  await refused('InvalidParameterException', () => sm.CreateSecret({ Name: 'n', ...both }, context))
  await refused('InvalidRequestException', () => sm.PutSecretValue({ SecretId: 'app/db' }, context))
  await refused('ResourceNotFoundException', () => sm.PutSecretValue({ SecretId: 'other', SecretString: 's' }, context))
  await refused('InvalidParameterException', () =>
    sm.DeleteSecret({ SecretId: 'app/db', RecoveryWindowInDays: 3 }, context),
  )
  await refused('InvalidNextTokenException', () => sm.ListSecrets({ NextToken: 'x' }, context))
  const elsewhere = 'arn:aws:secretsmanager:eu-west-1:000000000000:secret:app/db-AAAAAA'
  await refused('ResourceNotFoundException', () => sm.GetSecretValue({ SecretId: elsewhere }, context))
})

test('a secret without a value has none to read', async () => {
  const { context } = fresh()
  assert.equal((await sm.CreateSecret({ Name: 'empty' }, context)).VersionId, undefined)
  await assert.rejects(
    async () => sm.GetSecretValue({ SecretId: 'empty' }, context),
    named('ResourceNotFoundException', /AWSCURRENT/),
  )
})

test('old versions make room, current and previous stay', async () => {
  const { context } = await withSecret()
  for (let n = 0; n < 110; n++) await sm.PutSecretValue({ SecretId: 'app/db', SecretString: `v${n}` }, context)
  const { Versions } = await sm.ListSecretVersionIds({ SecretId: 'app/db', IncludeDeprecated: true }, context)
  assert.equal(Versions!.length, 100)
  const read = async (VersionStage: string) =>
    (await sm.GetSecretValue({ SecretId: 'app/db', VersionStage }, context)).SecretString
  assert.deepEqual([await read('AWSCURRENT'), await read('AWSPREVIOUS')], ['v109', 'v108'])
})

test('secrets are listed in pages, in the asked order, and filtered', async () => {
  const { control, context } = fresh()
  for (const [n, Name] of ['c', 'a', 'b'].entries()) {
    await sm.CreateSecret({ Name, Description: `Number ${n}`, Tags: [{ Key: 'n', Value: `${n}` }] }, context)
    await control.clock.advance(1_000)
  }
  const names = async (input: object) => (await sm.ListSecrets(input, context)).SecretList!.map((s) => s.Name)
  assert.deepEqual(await names({}), ['c', 'a', 'b'])
  assert.deepEqual(await names({ SortBy: 'name', SortOrder: 'desc' }), ['c', 'b', 'a'])
  const first = await sm.ListSecrets({ MaxResults: 2 }, context)
  assert.deepEqual(await names({ MaxResults: 2, NextToken: first.NextToken }), ['b'])
  assert.deepEqual(await names({ Filters: [{ Key: 'name', Values: ['a', 'b'] }] }), ['a', 'b'])
  assert.deepEqual(await names({ Filters: [{ Key: 'name', Values: ['!a'] }] }), ['c', 'b'])
  assert.deepEqual(await names({ Filters: [{ Key: 'tag-value', Values: ['1'] }] }), ['a'])
  assert.deepEqual(await names({ Filters: [{ Key: 'all', Values: ['number 2'] }] }), ['b'])
})

test('tags are added, replaced and removed; reserved ones are refused', async () => {
  const { context } = await withSecret()
  const SecretId = 'app/db'
  await sm.TagResource(
    {
      SecretId,
      Tags: [
        { Key: 'a', Value: '1' },
        { Key: 'b', Value: '2' },
      ],
    },
    context,
  )
  await sm.TagResource({ SecretId, Tags: [{ Key: 'a', Value: '3' }] }, context)
  await sm.UntagResource({ SecretId, TagKeys: ['b', 'absent'] }, context)
  assert.deepEqual((await sm.DescribeSecret({ SecretId }, context)).Tags, [{ Key: 'a', Value: '3' }])
  const reserved = { SecretId, Tags: [{ Key: 'aws:x', Value: '1' }] }
  await assert.rejects(async () => sm.TagResource(reserved, context), named('InvalidParameterException'))
})

test('a managed secret can be read by users and changed only by its owner', async () => {
  const { control, context } = fresh()
  const secret = { name: 'rds!db-1', owner: 'rds', value: 'one', tags: [] } as const
  const { arn, mutation } = await createManagedSecret(control, SCOPE, secret)
  assert.ok((await commit(control, mutation)).committed)
  const SecretId = arn
  const changes: (() => unknown)[] = [
    () => sm.PutSecretValue({ SecretId, SecretString: 'x' }, context),
    () => sm.UpdateSecret({ SecretId, Description: 'x' }, context),
    () => sm.DeleteSecret({ SecretId }, context),
    () => sm.DeleteSecret({ SecretId, ForceDeleteWithoutRecovery: true }, context),
    () => sm.UpdateSecretVersionStage({ SecretId, VersionStage: 'x', MoveToVersionId: 'y' }, context),
  ]
  for (const change of changes)
    await assert.rejects(async () => change(), named('InvalidRequestException', /managed by rds/))
  assert.equal((await sm.DescribeSecret({ SecretId }, context)).OwningService, 'rds')
  assert.ok((await commit(control, await putManagedSecret(control, SCOPE, arn, 'two'))).committed)
  assert.equal((await sm.GetSecretValue({ SecretId }, context)).SecretString, 'two')
  assert.equal(await readSecret(control, SCOPE, arn), 'two')
  assert.ok((await commit(control, await deleteManagedSecret(control, SCOPE, arn))).committed)
  assert.equal(await readSecret(control, SCOPE, arn), undefined)
  assert.deepEqual((await deleteManagedSecret(control, SCOPE, arn)).ops, [])
  assert.deepEqual((await control.store.range('secretsmanager/')).entries, [])
})

test('random passwords have what was asked for', async () => {
  const { context } = fresh()
  const password = async (wish: object) => (await sm.GetRandomPassword(wish, context)).RandomPassword!
  assert.equal((await password({})).length, 32)
  for (let round = 0; round < 20; round++) {
    assert.match(await password({ PasswordLength: 4 }), /^(?=.*[a-z])(?=.*[A-Z])(?=.*\d)(?=.*[^a-zA-Z\d])/)
  }
  assert.match(
    await password({ ExcludePunctuation: true, ExcludeUppercase: true, ExcludeCharacters: 'abc012' }),
    /^[d-z3-9]{32}$/,
  )
  assert.match(await password({ PasswordLength: 200, IncludeSpace: true }), / /)
  const refused = async (wish: object) => assert.rejects(password(wish), named('InvalidParameterException'))
  await refused({ PasswordLength: 3 })
  await refused({ PasswordLength: 5_000 })
  await refused({ ExcludeNumbers: true, ExcludePunctuation: true, ExcludeUppercase: true, ExcludeLowercase: true })
})
