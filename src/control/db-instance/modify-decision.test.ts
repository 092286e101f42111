import assert from 'node:assert/strict'
import { test } from 'node:test'
import { instanceRecord } from '../../../tests/support/instance.ts'
import { decideModification, phaseWhile, withChanges } from './modify-decision.ts'
import type { DbInstanceRecord } from './record.ts'

const template = instanceRecord()
const record = instanceRecord({
  settings: { ...template.settings, DBInstanceClass: 'db.t4g.micro', EngineVersion: '17.9', BackupRetentionPeriod: 1 },
})

const decide = (
  asked: object,
  of: DbInstanceRecord = record,
  verifier?: string,
): ReturnType<typeof decideModification> =>
  decideModification(of, { DBInstanceIdentifier: 'orders', ...asked }, verifier)

test('a class change waits for the window unless it is to be applied immediately', () => {
  const later = decide({ DBInstanceClass: 'db.m6g.large' })
  assert.deepEqual(later.pending, { DBInstanceClass: 'db.m6g.large' })
  assert.deepEqual(later.apply, [])
  assert.deepEqual(decide({ DBInstanceClass: 'db.m6g.large', ApplyImmediately: true }).apply, ['DBInstanceClass'])
})

test('applying one change immediately applies everything that was queued', () => {
  const queued = { ...record, pending: { EngineVersion: '17.10' } }
  const { apply } = decide({ DBInstanceClass: 'db.m6g.large', ApplyImmediately: true }, queued)
  assert.deepEqual([...apply].sort(), ['DBInstanceClass', 'EngineVersion'])
})

test('asking for the present value takes a queued change back', () => {
  const queued = { ...record, pending: { DBInstanceClass: 'db.m6g.large' } }
  assert.deepEqual(decide({ DBInstanceClass: 'db.t4g.micro' }, queued).pending, {})
})

test('a port change and a new password do not wait, and bring nothing queued with them', () => {
  const queued = { ...record, pending: { EngineVersion: '17.10' } }
  const { apply, pending } = decide({ DBPortNumber: 6000 }, queued, 'new')
  assert.deepEqual([...apply].sort(), ['Port', 'passwordVerifier'])
  assert.equal(pending.EngineVersion, '17.10')
})

test('settings that need nothing done hold at once', () => {
  const { settings: now, pending, apply } = decide({ DeletionProtection: true, CopyTagsToSnapshot: true })
  assert.equal(now.DeletionProtection, true)
  assert.equal(now.CopyTagsToSnapshot, true)
  assert.deepEqual([pending, apply], [{}, []])
})

test('backup retention changes at once between two periods, and in the window to or from zero', () => {
  assert.equal(decide({ BackupRetentionPeriod: 7 }).settings.BackupRetentionPeriod, 7)
  const off = decide({ BackupRetentionPeriod: 0 })
  assert.equal(off.settings.BackupRetentionPeriod, 1)
  assert.deepEqual(off.pending, { BackupRetentionPeriod: 0 })
})

test('the status while changes are made is that of the most telling one', () => {
  assert.equal(phaseWhile(['DBInstanceClass', 'EngineVersion']), 'upgrading')
  assert.equal(phaseWhile(['DBInstanceIdentifier']), 'renaming')
  assert.equal(phaseWhile(['passwordVerifier']), 'resetting-master-credentials')
  assert.equal(phaseWhile(['AllocatedStorage']), 'modifying')
})

test('making some of the pending changes leaves the others pending', () => {
  const queued = { ...record, pending: { Port: 6000, EngineVersion: '17.10', passwordVerifier: 'new' } }
  const after = withChanges(queued, ['Port', 'passwordVerifier'])
  assert.equal(after.port, 6000)
  assert.equal(after.master.verifier, 'new')
  assert.equal(after.settings.EngineVersion, '17.9')
  assert.deepEqual(after.pending, { EngineVersion: '17.10' })
})
