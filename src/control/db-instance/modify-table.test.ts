/** The decision on ModifyDBInstance against AWS's table of when each setting takes effect. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ModifyDBInstanceMessage } from '@aws-sdk/client-rds'
import { modifySettings } from '#catalog/modify-settings.ts'
import { instanceRecord } from '../../../tests/support/instance.ts'
import { decideModification } from './modify-decision.ts'

/** A change of each member that the decision knows. The password is not among them: it comes as a verifier. */
const changes: Partial<ModifyDBInstanceMessage> = {
  AllocatedStorage: 40,
  AutoMinorVersionUpgrade: false,
  BackupRetentionPeriod: 0,
  CACertificateIdentifier: 'rds-ca-rsa2048-g1',
  CopyTagsToSnapshot: true,
  DBInstanceClass: 'db.m7g.large',
  DBPortNumber: 6000,
  DBSubnetGroupName: 'mine',
  DeletionProtection: true,
  EnableIAMDatabaseAuthentication: true,
  EngineVersion: '18.9',
  Iops: 3000,
  MaxAllocatedStorage: 100,
  MultiAZ: true,
  NewDBInstanceIdentifier: 'renamed',
  OptionGroupName: 'mine',
  PreferredBackupWindow: '01:00-01:30',
  PreferredMaintenanceWindow: 'mon:12:00-mon:12:30',
  PubliclyAccessible: false,
  StorageThroughput: 500,
  StorageType: 'gp3',
  VpcSecurityGroupIds: ['sg-2'],
}

const decide = (asked: object): ReturnType<typeof decideModification> =>
  decideModification(instanceRecord(), { DBInstanceIdentifier: 'orders', ...asked }, undefined)

test('each change takes effect when AWS says, without and with ApplyImmediately', () => {
  for (const [member, value] of Object.entries(changes)) {
    const waits = modifySettings.get(member) === 'in the window'
    const queued = decide({ [member]: value })
    const isChangedNow = JSON.stringify(queued.settings) !== JSON.stringify(instanceRecord().settings)
    assert.equal(isChangedNow || queued.apply.length > 0, !waits, member)
    assert.equal(Object.keys(queued.pending).length - queued.apply.length, waits ? 1 : 0, member)
    const now = decide({ [member]: value, ApplyImmediately: true })
    assert.equal(now.apply.length, Object.keys(now.pending).length, member)
  }
})

test('the table has every member once', () => {
  assert.equal(modifySettings.size, 40)
  for (const member of Object.keys(changes)) assert.ok(modifySettings.has(member), member)
})
