/** The life of a DB instance, through the SDK and a real client, on real PostgreSQL. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import {
  CreateDBParameterGroupCommand,
  CreateDBSnapshotCommand,
  DeleteDBInstanceCommand,
  DescribeDBLogFilesCommand,
  DescribeDBSnapshotsCommand,
  DescribeEventsCommand,
  DownloadDBLogFilePortionCommand,
  ModifyDBInstanceCommand,
  ModifyDBParameterGroupCommand,
  RebootDBInstanceCommand,
  ResetDBParameterGroupCommand,
  RestoreDBInstanceFromDBSnapshotCommand,
  StartDBInstanceCommand,
  StopDBInstanceCommand,
  waitUntilDBInstanceAvailable,
  waitUntilDBInstanceDeleted,
  type RDSClient,
} from '@aws-sdk/client-rds'
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import pg from 'pg'
import {
  connect,
  createInput,
  createInstance,
  deleteInstance,
  describe,
  instanceGone,
  instanceIn,
  PASSWORD,
  query,
} from '../support/database.ts'
import { discard, eventually, startHoldfast, type Holdfast } from '../support/holdfast.ts'

let holdfast: Holdfast
let rds: RDSClient

before(async () => {
  holdfast = await startHoldfast()
  rds = holdfast.rds()
})

after(() => discard(holdfast))

test('a created instance is a PostgreSQL of the asked version, reached over verified TLS, with its first database', async () => {
  const instance = await createInstance(rds, 'life', { DBName: 'shop', Tags: [{ Key: 'team', Value: 'orders' }] })
  assert.equal(instance.EngineVersion, '18.4')
  assert.deepEqual(instance.TagList, [{ Key: 'team', Value: 'orders' }])
  const [row] = await query<{ version: string; ssl: boolean; db: string }>(
    holdfast,
    instance,
    `select current_setting('server_version') as version, current_database() as db,
            (select ssl from pg_stat_ssl where pid = pg_backend_pid()) as ssl`,
    { database: 'shop' },
  )
  assert.deepEqual(row, { version: '18.4', db: 'shop', ssl: true })
})

test("the SDK's own waiter sees the instance available", async () => {
  const { state } = await waitUntilDBInstanceAvailable(
    { client: rds, maxWaitTime: 30, minDelay: 1 },
    { DBInstanceIdentifier: 'life' },
  )
  assert.equal(state, 'SUCCESS')
})

test('the master user administers, and is no superuser', async () => {
  const instance = (await describe(rds, 'life'))!
  const client = await connect(holdfast, instance, { database: 'shop' })
  try {
    const { rows } = await client.query<{ super: boolean; member: boolean }>(
      `select rolsuper as super, pg_has_role('app', 'rds_superuser', 'member') as member from pg_roles where rolname = 'app'`,
    )
    assert.deepEqual(rows, [{ super: false, member: true }])
    await client.query('create role reader login password $$reader-pass-1$$')
    await client.query('create database reports')
    await client.query('create extension pg_stat_statements')
    await assert.rejects(client.query('alter role app superuser'), { code: '42501' })
    await assert.rejects(client.query(`copy (select 1) to program 'true'`), { code: '42501' })
  } finally {
    await client.end()
  }
  await assert.rejects(
    query(holdfast, instance, 'select 1', { user: 'rdsadmin', password: PASSWORD }),
    /reject|pg_hba|no pg_hba/,
  )
})

test('a wrong password and a connection without TLS are refused', async () => {
  const instance = (await describe(rds, 'life'))!
  await assert.rejects(query(holdfast, instance, 'select 1', { password: 'wrong-password' }), { code: '28P01' })
  const plain = new pg.Client({
    host: 'localhost',
    port: instance.Endpoint!.Port!,
    user: 'app',
    password: PASSWORD,
    database: 'postgres',
    ssl: false,
  })
  await assert.rejects(plain.connect(), { code: '28000' })
})

test('a dynamic parameter is in force at once, a static one after a reboot', async () => {
  await rds.send(
    new CreateDBParameterGroupCommand({
      DBParameterGroupName: 'tuned',
      DBParameterGroupFamily: 'postgres18',
      Description: 'for the test',
    }),
  )
  await rds.send(new ModifyDBInstanceCommand({ DBInstanceIdentifier: 'life', DBParameterGroupName: 'tuned' }))
  assert.equal((await describe(rds, 'life'))!.DBParameterGroups![0]!.ParameterApplyStatus, 'pending-reboot')
  await rds.send(new RebootDBInstanceCommand({ DBInstanceIdentifier: 'life' }))
  const synced = await instanceIn(
    rds,
    'life',
    'available',
    (i) => i.DBParameterGroups![0]!.ParameterApplyStatus === 'in-sync',
  )

  const show = async (name: string): Promise<string> =>
    (await query<Record<string, string>>(holdfast, synced, `show ${name}`))[0]![name]!
  const connectionsBefore = await show('max_connections')
  await rds.send(
    new ModifyDBParameterGroupCommand({
      DBParameterGroupName: 'tuned',
      Parameters: [
        { ParameterName: 'work_mem', ParameterValue: '8192', ApplyMethod: 'immediate' },
        { ParameterName: 'max_connections', ParameterValue: '77', ApplyMethod: 'pending-reboot' },
      ],
    }),
  )
  await eventually('work_mem changed', async () => ((await show('work_mem')) === '8MB' ? true : undefined))
  assert.equal(await show('max_connections'), connectionsBefore)
  await instanceIn(rds, 'life', 'available', (i) => i.DBParameterGroups![0]!.ParameterApplyStatus === 'pending-reboot')
  await rds.send(new RebootDBInstanceCommand({ DBInstanceIdentifier: 'life' }))
  await instanceIn(rds, 'life', 'available', (i) => i.DBParameterGroups![0]!.ParameterApplyStatus === 'in-sync')
  assert.equal(await show('max_connections'), '77')
})

test('an impossible value ends in incompatible-parameters, and taking it back and rebooting repairs it', async () => {
  const preload = (value: string): ModifyDBParameterGroupCommand =>
    new ModifyDBParameterGroupCommand({
      DBParameterGroupName: 'tuned',
      Parameters: [{ ParameterName: 'shared_buffers', ParameterValue: value, ApplyMethod: 'pending-reboot' }],
    })
  // 8 TiB in pages of 8 kB: within the parameter's own limits, and more than any machine here has.
  await rds.send(preload('1073741823'))
  await rds.send(new RebootDBInstanceCommand({ DBInstanceIdentifier: 'life' }))
  await instanceIn(rds, 'life', 'incompatible-parameters')
  await rds.send(
    new ResetDBParameterGroupCommand({
      DBParameterGroupName: 'tuned',
      Parameters: [{ ParameterName: 'shared_buffers', ApplyMethod: 'pending-reboot' }],
    }),
  )
  await rds.send(new RebootDBInstanceCommand({ DBInstanceIdentifier: 'life' }))
  await instanceIn(rds, 'life', 'available')
})

test('a stopped instance refuses connections, keeps its data and its endpoint, and starts again', async () => {
  const before = (await describe(rds, 'life'))!
  await query(holdfast, before, 'create table kept as select 42 as answer', { database: 'shop' })
  await rds.send(new StopDBInstanceCommand({ DBInstanceIdentifier: 'life' }))
  const stopped = await instanceIn(rds, 'life', 'stopped')
  const week = 7 * 24 * 60 * 60 * 1000
  assert.ok(stopped.AutomaticRestartTime!.getTime() > Date.now() + week - 600_000)
  await assert.rejects(query(holdfast, before, 'select 1'), { code: 'ECONNREFUSED' })
  await assert.rejects(rds.send(new StopDBInstanceCommand({ DBInstanceIdentifier: 'life' })), {
    name: 'InvalidDBInstanceStateFault',
  })
  await rds.send(new StartDBInstanceCommand({ DBInstanceIdentifier: 'life' }))
  const started = await instanceIn(rds, 'life', 'available')
  assert.deepEqual(started.Endpoint, before.Endpoint)
  assert.deepEqual(await query(holdfast, started, 'select answer from kept', { database: 'shop' }), [{ answer: 42 }])
})

test('a class change restarts the engine with the new memory and connection settings', async () => {
  const setting = async (): Promise<number> => {
    const rows = await query<{ setting: string }>(
      holdfast,
      (await describe(rds, 'life'))!,
      `select setting from pg_settings where name = 'shared_buffers'`,
    )
    return Number(rows[0]!.setting)
  }
  const small = await setting()
  await rds.send(
    new ModifyDBInstanceCommand({
      DBInstanceIdentifier: 'life',
      DBInstanceClass: 'db.t4g.small',
      ApplyImmediately: true,
    }),
  )
  await instanceIn(rds, 'life', 'available', (i) => i.DBInstanceClass === 'db.t4g.small')
  assert.equal(await setting(), small * 2)
})

test('a change that is not to be applied immediately waits as a pending value, and can be taken back', async () => {
  const modify = (DBInstanceClass: string): Promise<unknown> =>
    rds.send(new ModifyDBInstanceCommand({ DBInstanceIdentifier: 'life', DBInstanceClass }))
  await modify('db.t4g.medium')
  const waiting = (await describe(rds, 'life'))!
  assert.equal(waiting.DBInstanceClass, 'db.t4g.small')
  assert.equal(waiting.PendingModifiedValues!.DBInstanceClass, 'db.t4g.medium')
  await modify('db.t4g.small')
  assert.deepEqual((await describe(rds, 'life'))!.PendingModifiedValues, {})
})

test('what is pending is made when the maintenance window opens', async () => {
  const now = new Date(Date.now() - 60_000)
  const text = (at: Date): string =>
    `${['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'][at.getUTCDay()]}:${at.toISOString().slice(11, 16)}`
  const window = `${text(now)}-${text(new Date(now.getTime() + 3_600_000))}`
  const backup = new Date(now.getTime() + 8 * 3_600_000)
  const backupEnd = new Date(backup.getTime() + 1_800_000)
  await rds.send(
    new ModifyDBInstanceCommand({
      DBInstanceIdentifier: 'life',
      DBInstanceClass: 'db.t4g.micro',
      PreferredMaintenanceWindow: window,
      PreferredBackupWindow: `${backup.toISOString().slice(11, 16)}-${backupEnd.toISOString().slice(11, 16)}`,
    }),
  )
  await instanceIn(rds, 'life', 'available', (i) => i.DBInstanceClass === 'db.t4g.micro')
})

test('a new master password replaces the old one', async () => {
  await rds.send(new ModifyDBInstanceCommand({ DBInstanceIdentifier: 'life', MasterUserPassword: 'another-secret-9' }))
  const instance = await instanceIn(rds, 'life', 'available', (i) => !i.PendingModifiedValues?.MasterUserPassword)
  await query(holdfast, instance, 'select 1', { password: 'another-secret-9' })
  await assert.rejects(query(holdfast, instance, 'select 1'), { code: '28P01' })
  await rds.send(new ModifyDBInstanceCommand({ DBInstanceIdentifier: 'life', MasterUserPassword: PASSWORD }))
  await instanceIn(rds, 'life', 'available', (i) => !i.PendingModifiedValues?.MasterUserPassword)
})

test('a port change moves the endpoint, and a rename keeps everything but the name', async () => {
  const before = (await describe(rds, 'life'))!
  const port = before.Endpoint!.Port! + 1003
  await rds.send(new ModifyDBInstanceCommand({ DBInstanceIdentifier: 'life', DBPortNumber: port }))
  await instanceIn(rds, 'life', 'available', (i) => i.Endpoint!.Port === port)
  await rds.send(
    new ModifyDBInstanceCommand({
      DBInstanceIdentifier: 'life',
      NewDBInstanceIdentifier: 'renamed',
      ApplyImmediately: true,
    }),
  )
  const renamed = await instanceIn(rds, 'renamed', 'available')
  assert.equal(renamed.DbiResourceId, before.DbiResourceId)
  assert.equal(await describe(rds, 'life'), undefined)
  assert.deepEqual(await query(holdfast, renamed, 'select answer from kept', { database: 'shop' }), [{ answer: 42 }])
})

test('a snapshot is taken while the instance serves, and restores under other settings', async () => {
  await rds.send(new CreateDBSnapshotCommand({ DBInstanceIdentifier: 'renamed', DBSnapshotIdentifier: 'snap-1' }))
  const writing = (async () => {
    const instance = (await describe(rds, 'renamed'))!
    for (let n = 0; n < 20; n++) await query(holdfast, instance, `insert into kept values (${n})`, { database: 'shop' })
  })()
  await eventually('the snapshot', async () => {
    const { DBSnapshots } = await rds.send(new DescribeDBSnapshotsCommand({ DBSnapshotIdentifier: 'snap-1' }))
    return DBSnapshots![0]!.Status === 'available' ? true : undefined
  })
  await writing
  await rds.send(
    new RestoreDBInstanceFromDBSnapshotCommand({
      DBInstanceIdentifier: 'restored',
      DBSnapshotIdentifier: 'snap-1',
      DBInstanceClass: 'db.t4g.small',
      DBParameterGroupName: 'tuned',
    }),
  )
  const restored = await instanceIn(rds, 'restored', 'available')
  const source = (await describe(rds, 'renamed'))!
  assert.notEqual(restored.Endpoint!.Port, source.Endpoint!.Port)
  const [row] = await query<{ count: string }>(holdfast, restored, 'select count(*) from kept where answer = 42', {
    database: 'shop',
  })
  assert.equal(row!.count, '1')
  const identifier = 'select system_identifier::text as id from pg_control_system()'
  assert.notDeepEqual(await query(holdfast, restored, identifier), await query(holdfast, source, identifier))
  await deleteInstance(rds, 'restored')
})

test('a managed master password is in Secrets Manager, opens the database, and rotates', async () => {
  const { MasterUserPassword: _none, ...input } = createInput('managed')
  const instance = await createInstance(rds, 'managed', {
    ...input,
    MasterUserPassword: undefined,
    ManageMasterUserPassword: true,
  })
  const secrets = new SecretsManagerClient({
    endpoint: holdfast.url,
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  })
  const secret = async (): Promise<{ username: string; password: string }> => {
    const { SecretString } = await secrets.send(
      new GetSecretValueCommand({ SecretId: instance.MasterUserSecret!.SecretArn! }),
    )
    return JSON.parse(SecretString!) as { username: string; password: string }
  }
  const first = await secret()
  assert.equal(first.username, 'app')
  await query(holdfast, instance, 'select 1', { password: first.password })
  await rds.send(
    new ModifyDBInstanceCommand({
      DBInstanceIdentifier: 'managed',
      RotateMasterUserPassword: true,
      ApplyImmediately: true,
    }),
  )
  await instanceIn(rds, 'managed', 'available')
  const second = await secret()
  assert.notEqual(second.password, first.password)
  await query(holdfast, instance, 'select 1', { password: second.password })
  await assert.rejects(query(holdfast, instance, 'select 1', { password: first.password }), { code: '28P01' })
  await deleteInstance(rds, 'managed')
})

async function downloaded(LogFileName: string): Promise<string> {
  let text = ''
  let marker = '0'
  for (;;) {
    const asked = { DBInstanceIdentifier: 'renamed', LogFileName, Marker: marker, NumberOfLines: 5 }
    const portion = await rds.send(new DownloadDBLogFilePortionCommand(asked))
    text += portion.LogFileData ?? ''
    if (!portion.AdditionalDataPending) return text
    marker = portion.Marker!
  }
}

test("log files are the engine's own, whole and in portions", async () => {
  const { DescribeDBLogFiles: files } = await rds.send(
    new DescribeDBLogFilesCommand({ DBInstanceIdentifier: 'renamed' }),
  )
  // One begins with each hour: the newest may have nothing yet.
  const texts = await Promise.all(files!.map(({ LogFileName }) => downloaded(LogFileName!)))
  assert.match(texts.join(''), /database system is ready to accept connections/)
  await assert.rejects(
    rds.send(
      new DownloadDBLogFilePortionCommand({ DBInstanceIdentifier: 'renamed', LogFileName: '../../../etc/passwd' }),
    ),
    { name: 'DBLogFileNotFoundFault' },
  )
})

test('the password is nowhere in the state folder', async () => {
  const { execFileSync } = await import('node:child_process')
  const found = execFileSync('sh', [
    '-c',
    'grep -rlaF -e "$1" -e "$2" "$3" || true',
    'sh',
    PASSWORD,
    'another-secret-9',
    holdfast.state,
  ])
  assert.equal(found.toString(), '')
})

test('deletion takes a final snapshot, removes everything else, and is recorded', async () => {
  await assert.rejects(rds.send(new DeleteDBInstanceCommand({ DBInstanceIdentifier: 'renamed' })), {
    name: 'InvalidParameterCombination',
  })
  await rds.send(new DeleteDBInstanceCommand({ DBInstanceIdentifier: 'renamed', FinalDBSnapshotIdentifier: 'last' }))
  await waitUntilDBInstanceDeleted({ client: rds, maxWaitTime: 60, minDelay: 1 }, { DBInstanceIdentifier: 'renamed' })
  await instanceGone(rds, 'renamed')
  const { DBSnapshots } = await rds.send(new DescribeDBSnapshotsCommand({ DBSnapshotIdentifier: 'last' }))
  assert.equal(DBSnapshots![0]!.Status, 'available')
  const { Events } = await rds.send(
    new DescribeEventsCommand({ SourceType: 'db-instance', SourceIdentifier: 'renamed', Duration: 60 }),
  )
  assert.ok(Events!.some(({ Message }) => /deleted/i.test(Message!)))
})
