import assert from 'node:assert/strict'
import { test } from 'node:test'
import { awsJson10, awsJson11, awsQuery, ec2Query, restJson, rpcV2Cbor } from '#wire/aws/protocols.ts'
import { type PlainRequest, routeOf } from './route.ts'
import { serviceDoors as doors } from './services.ts'

const FORM = { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' }

const post = (body: string, headers: PlainRequest['headers'] = {}, path = '/'): PlainRequest => ({
  method: 'POST',
  path,
  query: '',
  headers,
  body: Buffer.from(body),
})

function routed(request: PlainRequest, scope?: string): readonly unknown[] {
  const { protocol, door, operation } = routeOf(request, { doors, scope })
  return [protocol, door?.signingName, operation]
}

test('the table of doors says what the SDK modules say', async () => {
  for (const door of doors) {
    const { service } = await door.load()
    const { signingName, version, target, dialect } = service
    assert.deepEqual(
      { signingName: door.signingName, version: door.version, target: door.target, dialect: door.dialect },
      { signingName, version, target, dialect },
    )
  }
})

test('a signed form goes to the service of its scope', () => {
  assert.deepEqual(routed(post('Action=A&Version=2014-10-31', FORM), 'rds'), [awsQuery, 'rds', 'A'])
  assert.deepEqual(routed(post('Action=A&Version=2016-11-15', FORM), 'ec2'), [ec2Query, 'ec2', 'A'])
  assert.deepEqual(routed(post('Action=A&Version=2010-08-01', FORM), 'monitoring'), [awsQuery, 'monitoring', 'A'])
})

test('an unsigned form goes to the service of its version', () => {
  assert.deepEqual(routed(post('Action=A&Version=2011-06-15', FORM)), [awsQuery, 'sts', 'A'])
  assert.deepEqual(routed(post('Action=A&Version=1999-01-01', FORM)), [awsQuery, undefined, 'A'])
})

test('a service that is not here is not taken for another of the same version', () => {
  assert.deepEqual(routed(post('Action=A&Version=2011-06-15', FORM), 'iam'), [awsQuery, undefined, 'A'])
})

test('an action in the URL is found', () => {
  const request = { ...post(''), method: 'GET', query: 'Action=A&Version=2014-10-31' }
  assert.deepEqual(routed(request, 'rds'), [awsQuery, 'rds', 'A'])
})

test('X-Amz-Target names service and operation, and the content type the version of JSON', () => {
  const headers = { 'x-amz-target': 'TrentService.Encrypt', 'content-type': 'application/x-amz-json-1.1' }
  assert.deepEqual(routed(post('{}', headers)), [awsJson11, 'kms', 'Encrypt'])
  const metrics = { 'x-amz-target': 'GraniteServiceVersion20100801.A', 'content-type': 'application/x-amz-json-1.0' }
  assert.deepEqual(routed(post('{}', metrics), 'monitoring'), [awsJson10, 'monitoring', 'A'])
  assert.deepEqual(routed(post('{}', { 'x-amz-target': 'DynamoDB.A' }), 'dynamodb'), [awsJson11, undefined, 'A'])
  assert.deepEqual(routed(post('{}', { 'x-amz-target': 'A' })), [awsJson11, undefined, 'A'])
})

test('RPC v2 names both in its path', () => {
  const path = '/service/GraniteServiceVersion20100801/operation/ListMetrics'
  const request = post('', { 'smithy-protocol': 'rpc-v2-cbor' }, path)
  assert.deepEqual(routed(request), [rpcV2Cbor, 'monitoring', 'ListMetrics'])
  assert.deepEqual(routed(post('', {}, path), 'monitoring'), [awsJson11, 'monitoring', undefined])
})

test('REST is told by method and path', () => {
  assert.deepEqual(routed(post('{}', {}, '/Execute'), 'rds-data'), [restJson, 'rds-data', 'POST /Execute'])
})
