import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as rds from '@aws-sdk/client-rds'
import * as secrets from '@aws-sdk/client-secrets-manager'
import * as sts from '@aws-sdk/client-sts'
import { describeService } from './service.ts'
import { type Enums, validate } from './validate.ts'
import { Malformed } from './malformed.ts'

const services = {
  rds: describeService(rds, rds.RDSClient),
  secrets: describeService(secrets, secrets.SecretsManagerClient),
  sts: describeService(sts, sts.STSClient),
}

const enums: Enums = {
  'com.amazonaws.rds#Parameter': { ApplyMethod: ['immediate', 'pending-reboot'] },
  'com.amazonaws.secretsmanager#Filter': { Key: ['name', 'tag-key'] },
}

function check(name: keyof typeof services, operation: string, input: object): void {
  const service = services[name]
  validate(input, { service, schema: service.operations.get(operation)!.input, enums })
}

test('an input that fits its model passes', () => {
  check('rds', 'CreateDBInstance', { DBInstanceIdentifier: 'a', DBInstanceClass: 'b', Engine: 'postgres' })
})

test('RDS names the first parameter that is missing or blank', () => {
  const blank = { DBInstanceIdentifier: 'a', DBInstanceClass: '', Engine: 'postgres' }
  assert.throws(() => check('rds', 'CreateDBInstance', blank), { message: /^The parameter DBInstanceClass must be/ })
  assert.throws(() => check('rds', 'CreateDBInstance', {}), {
    code: 'InvalidParameterValue',
    message: 'The parameter DBInstanceIdentifier must be provided and must not be blank.',
  })
})

test('a required member inside a list is missed too', () => {
  const input = { DBParameterGroupName: 'g', Parameters: [{ ApplyMethod: 'immediate' }, { ApplyMethod: 'later' }] }
  assert.throws(() => check('rds', 'ModifyDBParameterGroup', input), {
    code: 'InvalidParameterValue',
    message: 'Invalid value later for Parameters.2.ApplyMethod. Valid values: immediate, pending-reboot',
  })
})

test('whole numbers of RDS are whole, and its capacities need not be', () => {
  const named = { DBInstanceIdentifier: 'a', DBInstanceClass: 'b', Engine: 'postgres' }
  assert.throws(() => check('rds', 'CreateDBInstance', { ...named, AllocatedStorage: 20.5 }), Malformed)
  check('rds', 'ModifyDBCluster', {
    DBClusterIdentifier: 'a',
    ServerlessV2ScalingConfiguration: { MinCapacity: 0.5, MaxCapacity: 1 },
  })
})

test('STS and the JSON services name all violations in one sentence', () => {
  assert.throws(() => check('sts', 'AssumeRole', {}), {
    code: 'ValidationError',
    message:
      "2 validation errors detected: Value null at 'roleArn' failed to satisfy constraint: Member must not be null; " +
      "Value null at 'roleSessionName' failed to satisfy constraint: Member must not be null",
  })
  assert.throws(() => check('secrets', 'ListSecrets', { Filters: [{ Key: 'size' }] }), {
    code: 'ValidationException',
    message:
      "1 validation error detected: Value 'size' at 'filters.1.key' failed to satisfy constraint: " +
      'Member must satisfy enum value set: [name, tag-key]',
  })
})
