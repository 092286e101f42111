import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { InstanceSpec } from '#wire/agent/messages.ts'
import type { VolumeAttachment } from '#wire/agent/volume.ts'
import { EngineError } from '../engine.ts'
import { configurationText, hbaText } from './configuration.ts'

const specWith = (settings: Record<string, string>): InstanceSpec => ({
  id: 'db-A',
  engine: 'postgres',
  version: '18.4',
  listenAddress: '127.0.0.1',
  port: 5432,
  settings,
  requireTls: true,
  tls: { certificatePem: '', privateKeyPem: '', caPem: '' },
  capacity: { vcpus: 2, memoryBytes: 1e9, storageBytes: 2e10 },
})
const linesOf = (settings: Record<string, string>): string[] =>
  configurationText(specWith(settings), '/run/x').split('\n')

test('values are quoted, whatever is in them', () => {
  const lines = linesOf({ log_line_prefix: `it's \\ fine`, 'rds.force_ssl': '1' })
  assert.ok(lines.includes(`log_line_prefix = 'it''s \\\\ fine'`))
  assert.ok(lines.includes(`rds.force_ssl = '1'`))
})

test('a setting of the driver is written once, as the driver wants it, and others as the spec wants them', () => {
  const lines = linesOf({ PORT: '1', ssl: 'off', timezone: 'Europe/Paris' })
  assert.deepEqual(
    lines.filter((line) => /^(port|ssl|timezone) /i.test(line)),
    [`timezone = 'Europe/Paris'`, `port = '5432'`, `ssl = 'on'`],
  )
})

test('an engine that its agent revives ends when it crashes, unless the spec says otherwise', () => {
  const ends = (spec: InstanceSpec): boolean =>
    configurationText(spec, '/run/x').includes(`restart_after_crash = 'off'`)
  assert.equal(ends(specWith({})), true)
  assert.equal(ends(specWith({ restart_after_crash: 'on' })), false)
  assert.equal(ends({ ...specWith({}), revivedBy: 'control' }), false)
})

test('neither a name nor a value can begin another line', () => {
  const bad: Record<string, string>[] = [
    { 'work_mem = 1\nssl': '1' },
    { work_mem: '1\nssl = off' },
    { work_mem: '\0' },
    { '': '1' },
  ]
  for (const settings of bad)
    assert.throws(
      () => linesOf(settings),
      (error) => error instanceof EngineError && error.code === 'bad-settings',
    )
})

test('the first rules keep the superuser off the network and all others off the socket', () => {
  const rules = (requireTls: boolean): string[] => hbaText({ requireTls }).trimEnd().split('\n')
  assert.deepEqual(rules(true).slice(0, 3), [
    'local all,replication rdsadmin scram-sha-256',
    'local all all reject',
    'host all rdsadmin,rdsrepladmin all reject',
  ])
  assert.ok(rules(true).includes('hostnossl all all all reject'))
  assert.ok(rules(false).includes('hostnossl all all all scram-sha-256'))
  assert.ok(rules(false).every((rule) => /(scram-sha-256|reject)$/.test(rule)))
})

test('clients come in from the allowed blocks, and from nowhere else', () => {
  const allowedSources = ['10.0.0.0/8', '::1/128']
  const rules = hbaText({ requireTls: true, allowedSources }).trimEnd().split('\n')
  assert.deepEqual(rules.slice(6), [
    'hostssl all all 10.0.0.0/8 scram-sha-256',
    'hostnossl all all 10.0.0.0/8 reject',
    'hostssl all all ::1/128 scram-sha-256',
    'hostnossl all all ::1/128 reject',
    'host all all all reject',
  ])
  assert.equal(
    hbaText({ requireTls: false, allowedSources: [] }).split('\n').slice(6).join(''),
    'host all all all reject',
  )
  for (const block of ['10.0.0.0/8 trust\nhost all all all', 'samehost', ''])
    assert.throws(() => hbaText({ requireTls: false, allowedSources: [block] }), EngineError)
})

test('only engines of an instance with copies let followers in, and a standby that is not readable nobody else', () => {
  const primary = { role: 'primary', followers: ['b'], synchronous: ['b'] } as const
  assert.ok(!hbaText({ requireTls: false }).includes('hostssl replication'))
  assert.match(hbaText({ requireTls: false, replication: primary }), /hostssl replication rdsrepladmin all scram/)
  const standby = { role: 'standby', name: 'b', followers: [], source: SOURCE } as const
  const closed = hbaText({ requireTls: false, replication: { ...standby, readable: false } })
  assert.match(closed, /host all all all reject\n$/)
  assert.match(hbaText({ requireTls: false, replication: { ...standby, readable: true } }), /hostssl all all all scram/)
})

const SOURCE = { host: '127.0.0.1', port: 5433, caPem: 'ca' }

test('commits wait for any one of the synchronous standbys, whatever the parameters say', () => {
  const lines = configurationText(
    {
      ...specWith({ synchronous_standby_names: 'nobody' }),
      replication: { role: 'primary', followers: ['b', 'c'], synchronous: ['b', 'c'] },
    },
    '/run',
  )
  assert.match(lines, /^synchronous_standby_names = 'ANY 1 \("b", "c"\)'$/m)
  assert.doesNotMatch(lines, /nobody/)
})

test('the standby of a pair asks for slots, and consumers wait for it as commits do, from 17 on with decoding', () => {
  const standby = { role: 'standby', name: 'b', followers: [], source: SOURCE, readable: false } as const
  const primary = { role: 'primary', followers: ['b'], synchronous: ['b'], standbyKeepsSlots: true } as const
  const text = (changes: Partial<InstanceSpec>): string =>
    configurationText({ ...specWith({ wal_level: 'logical' }), ...changes }, '/run')
  assert.match(text({ replication: primary }), /^synchronized_standby_slots = 'holdfast_b'$/m)
  assert.match(text({ replication: { ...primary, synchronous: [] } }), /^synchronized_standby_slots = ''$/m)
  assert.match(text({ replication: standby }), /^sync_replication_slots = 'on'$/m)
  assert.match(text({ replication: standby }), /^hot_standby_feedback = 'on'$/m)
  assert.match(text({ replication: standby }), /^primary_conninfo = .* dbname=''postgres''/m)
  const { standbyKeepsSlots: _, ...ofCluster } = primary
  for (const changes of [
    { replication: ofCluster },
    { replication: { ...standby, readable: true } },
    { replication: standby, version: '16.14' },
    { replication: standby, settings: {} },
  ])
    assert.doesNotMatch(text(changes), /sync_replication_slots|synchronized_standby_slots|dbname/)
  const rule = /^hostssl postgres rdsrepladmin all scram-sha-256$/m
  assert.match(hbaText({ requireTls: true, replication: primary, tellsSlots: true }), rule)
  assert.doesNotMatch(hbaText({ requireTls: true, replication: standby, tellsSlots: true }), rule)
  assert.doesNotMatch(hbaText({ requireTls: true, replication: primary }), rule)
})

test('a name that could mean something else to the engine is refused', () => {
  const replication = { role: 'primary', followers: ['b"'], synchronous: [] } as const
  assert.throws(() => configurationText({ ...specWith({}), replication }, '/run'), EngineError)
})

test('log that is not archived may take a part of the storage, and no more, unless the spec says otherwise', () => {
  const limitOf = (changes: Partial<InstanceSpec>): string[] =>
    configurationText({ ...specWith({}), archivePrefix: 'r/a/db', ...changes }, '/run/x')
      .split('\n')
      .filter((line) => /^(max_slot_wal|wal)_keep_size/.test(line))
  assert.deepEqual(limitOf({}), [`max_slot_wal_keep_size = '3814MB'`])
  assert.deepEqual(limitOf({ settings: { max_slot_wal_keep_size: '64' } }), [`max_slot_wal_keep_size = '64'`])
  assert.deepEqual(limitOf({ archivePrefix: undefined }), [])
  assert.deepEqual(limitOf({ version: '12.22' }), [])
  assert.deepEqual(limitOf({ replication: { role: 'primary', followers: [], synchronous: [] } }), [
    `max_slot_wal_keep_size = '3814MB'`,
    `wal_keep_size = '512MB'`,
  ])
})

const VOLUME: VolumeAttachment = {
  id: 'cluster-1',
  role: 'reader',
  name: 'db-A',
  identifier: 'shop-1',
  feeds: [
    { host: '127.0.0.1', port: 6001 },
    { host: '10.0.0.2', port: 6002 },
  ],
  login: { password: 'secret', caPem: 'ca' },
  isOpen: false,
}

test('on a volume commits wait for the head, and no setting of the user undoes what the log needs', () => {
  for (const role of ['reader', 'writer'] as const) {
    const settings = { full_page_writes: 'off', fsync: 'off', synchronous_standby_names: '', wal_receiver_timeout: '9' }
    const text = configurationText({ ...specWith(settings), volume: { ...VOLUME, role } }, '/run')
    assert.match(text, /^synchronous_standby_names = 'rds_volume_head'$/m)
    assert.match(text, /^full_page_writes = 'on'$/m)
    assert.match(text, /^fsync = 'on'$/m)
    assert.match(text, /^restart_after_crash = 'off'$/m)
    assert.match(text, /^rds.db_instance_identifier = 'shop-1'$/m)
    assert.match(text, /^wal_receiver_timeout = '9'$/m)
    assert.match(text, /^primary_conninfo = 'host=''127.0.0.1,10.0.0.2'' port=''6001,6002'' user=''cluster-1'' /m)
    assert.doesNotMatch(text, /secret/)
  }
  const volume = { ...VOLUME, feeds: [{ host: "x' sslmode='disable", port: 1 }] }
  assert.throws(() => configurationText({ ...specWith({}), volume }, '/run'), EngineError)
})

test('on a volume the head comes over the socket, and clients once the gate is open', () => {
  const closed = hbaText({ requireTls: true, volume: VOLUME })
  assert.match(closed, /^local replication rdsrepladmin scram-sha-256$/m)
  assert.doesNotMatch(closed, /^host(ssl|nossl)? all all all scram/m)
  assert.match(closed, /^host all rdsadmin,rdsrepladmin all reject$/m)
  const open = hbaText({ requireTls: true, volume: { ...VOLUME, isOpen: true } })
  assert.match(open, /^hostssl all all all scram-sha-256$/m)
})
