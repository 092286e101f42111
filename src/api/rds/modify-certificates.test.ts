import assert from 'node:assert/strict'
import { test } from 'node:test'
import { defaultCaIdentifier } from '#control/certificate/default-ca.ts'
import { requestContext, SCOPE, testControl } from '../../../tests/support/control.ts'
import { DescribeCertificates } from './describe-certificates.ts'
import { ModifyCertificates } from './modify-certificates.ts'

test('the authorities are described, with the one that new instances get', async () => {
  const context = requestContext(testControl())
  const { Certificates, DefaultCertificateForNewLaunches } = await DescribeCertificates({}, context)
  assert.equal(DefaultCertificateForNewLaunches, 'rds-ca-ecc384-g1')
  assert.deepEqual(
    Certificates!.map((one) => one.CertificateIdentifier),
    ['rds-ca-ecc384-g1', 'rds-ca-rsa2048-g1', 'rds-ca-rsa4096-g1'],
  )
  assert.equal(Certificates![0]!.CertificateArn, 'arn:aws:rds:us-east-1::cert:rds-ca-ecc384-g1')
  assert.ok(Certificates![0]!.ValidTill! > Certificates![0]!.ValidFrom!)
  assert.equal(Certificates![0]!.CustomerOverride, false)
})

test('the default is overridden, and the override removed', async () => {
  const control = testControl()
  const context = requestContext(control)
  const { Certificate } = await ModifyCertificates({ CertificateIdentifier: 'rds-ca-rsa2048-g1' }, context)
  assert.equal(Certificate!.CustomerOverride, true)
  assert.equal(await defaultCaIdentifier(control, SCOPE), 'rds-ca-rsa2048-g1')
  assert.equal((await DescribeCertificates({}, context)).DefaultCertificateForNewLaunches, 'rds-ca-rsa2048-g1')
  assert.equal(await defaultCaIdentifier(control, { ...SCOPE, region: 'eu-west-1' }), 'rds-ca-ecc384-g1')
  await ModifyCertificates({ RemoveCustomerOverride: true }, context)
  assert.equal(await defaultCaIdentifier(control, SCOPE), 'rds-ca-ecc384-g1')
})

test('wrong requests are refused', async () => {
  const context = requestContext(testControl())
  const name = 'CertificateNotFoundFault'
  await assert.rejects(async () => DescribeCertificates({ CertificateIdentifier: 'rds-ca-2019' }, context), { name })
  await assert.rejects(async () => ModifyCertificates({ CertificateIdentifier: 'rds-ca-2019' }, context), { name })
  await assert.rejects(async () => ModifyCertificates({}, context), { name: 'InvalidParameterCombination' })
})
