import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RDS_ARN_TYPES, certificateArn, parseRdsArn, rdsArn } from './arn.ts'

const scope = { account: '123456789012', region: 'eu-west-1' }

test('an ARN of every type reads back as what it was made from', () => {
  for (const type of RDS_ARN_TYPES) {
    assert.deepEqual(parseRdsArn(rdsArn(scope, type, 'orders')), { ...scope, type, id: 'orders' })
  }
})

test('an id may hold colons', () => {
  const arn = rdsArn(scope, 'og', 'default:postgres-17')
  assert.equal(arn, 'arn:aws:rds:eu-west-1:123456789012:og:default:postgres-17')
  assert.equal(parseRdsArn(arn)?.id, 'default:postgres-17')
})

test('the partition follows the region', () => {
  assert.match(rdsArn({ ...scope, region: 'cn-north-1' }, 'db', 'x'), /^arn:aws-cn:/)
  assert.match(rdsArn({ ...scope, region: 'us-gov-west-1' }, 'db', 'x'), /^arn:aws-us-gov:/)
  assert.equal(parseRdsArn(rdsArn({ ...scope, region: 'cn-north-1' }, 'db', 'x'))?.region, 'cn-north-1')
})

test('what is no ARN of RDS is not read', () => {
  for (const text of [
    '',
    'orders',
    'arn:aws:ec2:eu-west-1:1:db:x',
    'arn:aws:rds:eu-west-1:1:table:x',
    'arn:aws:rds:::db:',
  ]) {
    assert.equal(parseRdsArn(text), undefined, text)
  }
})

test('the ARN of a certificate names no account', () => {
  assert.equal(certificateArn('eu-west-1', 'rds-ca-ecc384-g1'), 'arn:aws:rds:eu-west-1::cert:rds-ca-ecc384-g1')
})
