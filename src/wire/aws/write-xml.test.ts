import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as rds from '@aws-sdk/client-rds'
import { DBInstanceNotFoundFault } from '@aws-sdk/client-rds'
import { AwsFault, fault } from './faults.ts'
import { describeService, type Service } from './service.ts'
import { toWireFault } from './wire-fault.ts'
import { writeEc2Fault, writeQueryFault, writeQueryReply } from './write-xml.ts'

const service: Service = describeService(rds, rds.RDSClient)

function write(name: string, output: object): string {
  return writeQueryReply({ service, operation: service.operations.get(name)!, requestId: 'r-1' }, output)
}

test('a reply is wrapped as RDS wraps it', () => {
  const output = {
    DBInstances: [{ DBInstanceIdentifier: 'orders', AllocatedStorage: 20, MultiAZ: false }],
    Marker: 'm',
  }
  assert.equal(
    write('DescribeDBInstances', output),
    '<DescribeDBInstancesResponse xmlns="http://rds.amazonaws.com/doc/2014-10-31/"><DescribeDBInstancesResult>' +
      '<Marker>m</Marker><DBInstances><DBInstance><DBInstanceIdentifier>orders</DBInstanceIdentifier>' +
      '<AllocatedStorage>20</AllocatedStorage><MultiAZ>false</MultiAZ></DBInstance></DBInstances>' +
      '</DescribeDBInstancesResult><ResponseMetadata><RequestId>r-1</RequestId></ResponseMetadata>' +
      '</DescribeDBInstancesResponse>',
  )
})

test('an operation without output has no result element', () => {
  assert.doesNotMatch(write('AddTagsToResource', {}), /Result/)
})

test('markup is escaped, and characters that XML cannot hold are left out', () => {
  const text = write('DescribeDBInstances', { Marker: '<&>"\r\u2028\u0000\u001f\n\t' })
  assert.match(text, /<Marker>&lt;&amp;&gt;&quot;&#xD;&#x2028;\n\t<\/Marker>/)
})

test('members that are undefined or null are left out, and empty lists are not', () => {
  const text = write('DescribeDBInstances', { Marker: undefined, DBInstances: [] })
  assert.match(text, /<DescribeDBInstancesResult><DBInstances><\/DBInstances><\/DescribeDBInstancesResult>/)
})

test("an exception of the SDK has the model's code and status", () => {
  const wire = toWireFault(service, fault(DBInstanceNotFoundFault, 'DBInstance <x> not found.'))
  assert.equal(wire.status, 404)
  assert.equal(
    writeQueryFault(service, wire, 'r-1'),
    '<ErrorResponse xmlns="http://rds.amazonaws.com/doc/2014-10-31/"><Error><Type>Sender</Type>' +
      '<Code>DBInstanceNotFound</Code><Message>DBInstance &lt;x&gt; not found.</Message></Error>' +
      '<RequestId>r-1</RequestId></ErrorResponse>',
  )
})

test("EC2's faults have its own envelope", () => {
  const wire = toWireFault(undefined, new AwsFault('InvalidVpcID.NotFound', 'no'))
  assert.equal(
    writeEc2Fault(wire, 'r-1'),
    '<Response><Errors><Error><Code>InvalidVpcID.NotFound</Code><Message>no</Message></Error></Errors>' +
      '<RequestID>r-1</RequestID></Response>',
  )
})

test('nothing of an unexpected error crosses the wire', () => {
  for (const error of [new Error('password is x'), 'text', undefined, new TypeError('y')]) {
    const wire = toWireFault(service, error)
    assert.deepEqual([wire.code, wire.status], ['InternalFailure', 500])
    assert.doesNotMatch(writeQueryFault(service, wire, 'r-1'), /password/)
  }
})
