import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import * as tls from 'node:tls'
import { DAY_MS } from '#base/durations.ts'
import { systemClock } from '#host/clock.ts'
import { systemRandom } from '#host/random.ts'
import type { IssuedCertificate } from './authority.ts'
import { openAuthority } from './open-authority.ts'

const root = mkdtempSync(join(tmpdir(), 'holdfast-authority-'))
after(() => rmSync(root, { recursive: true, force: true }))
let folders = 0
const newFolder = (): string => join(root, `state-${++folders}`)
const open = (folder: string) => openAuthority(folder, systemClock, systemRandom)
const shared = open(newFolder())
const hasOpenssl = spawnSync('openssl', ['version']).status === 0
const LONG_NAME = `${'a'.repeat(60)}.${'b'.repeat(30)}.us-east-1.rds.localhost`

for (const identifier of shared.identifiers) {
  test(`TLS clients that verify everything accept a certificate of ${identifier}`, async () => {
    const issued = await shared.issue(identifier, ['db.localhost', '127.0.0.1', '::1'])
    for (const host of ['db.localhost', '127.0.0.1', '::1']) assert.equal(await connect(issued, host), 'authorized')
    assert.equal(await connect(issued, 'other.localhost'), 'ERR_TLS_CERT_ALTNAME_INVALID')
  })

  test(
    `openssl finds nothing wrong with a certificate of ${identifier}`,
    { skip: !hasOpenssl && 'no openssl' },
    async () => {
      const folder = mkdtempSync(join(root, 'openssl-'))
      const issued = await shared.issue(identifier, ['db.localhost', '10.0.0.1'])
      writeFileSync(join(folder, 'bundle.pem'), await shared.bundlePem())
      writeFileSync(join(folder, 'server.pem'), issued.certificatePem)
      const checks = ['-x509_strict', '-purpose', 'sslserver', '-verify_hostname', 'db.localhost']
      const args = ['verify', ...checks, '-CAfile', join(folder, 'bundle.pem'), join(folder, 'server.pem')]
      assert.match(execFileSync('openssl', args, { encoding: 'utf8' }), /: OK/)
    },
  )
}

test('a server certificate says what it may be used for, and lives a year', async () => {
  const issued = await shared.issue('rds-ca-ecc384-g1', ['db.localhost', '127.0.0.1', '2001:db8::1', 'db.localhost'])
  const certificate = new X509Certificate(issued.certificatePem)
  assert.equal(certificate.ca, false)
  assert.equal(certificate.subjectAltName, 'DNS:db.localhost, IP Address:127.0.0.1, IP Address:2001:DB8:0:0:0:0:0:1')
  assert.deepEqual(certificate.keyUsage, ['1.3.6.1.5.5.7.3.1'])
  assert.equal(certificate.validFromDate.getTime(), issued.validFrom)
  assert.equal(certificate.validToDate.getTime(), issued.validTill)
  assert.equal(issued.validTill - issued.validFrom, 365 * DAY_MS)
  assert.ok(certificate.checkIssued(new X509Certificate(issued.caPem)))
  assert.match(certificate.subject, /CN=db\.localhost$/)
})

test("a certificate of Holdfast's own processes is good for dialling too, and a server's is not", async () => {
  const certificate = new X509Certificate(
    (await shared.issue('rds-ca-ecc384-g1', ['a.internal'], 'peer')).certificatePem,
  )
  assert.deepEqual(certificate.keyUsage, ['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2'])
  assert.equal(certificate.subjectAltName, 'DNS:a.internal')
})

test('a name too long for the common name still is an alternative name', async () => {
  const issued = await shared.issue('rds-ca-ecc384-g1', [LONG_NAME, 'localhost'])
  const certificate = new X509Certificate(issued.certificatePem)
  assert.ok(certificate.checkHost(LONG_NAME))
  assert.match(certificate.subject, /CN=localhost$/)
})

test('each certificate has a key and a serial number of its own', async () => {
  const issued = await Promise.all([1, 2].map(() => shared.issue('rds-ca-ecc384-g1', ['localhost'])))
  assert.equal(new Set(issued.map((one) => one.privateKeyPem)).size, 2)
  assert.equal(new Set(issued.map((one) => new X509Certificate(one.certificatePem).serialNumber)).size, 2)
})

test('what is neither a DNS name nor an IP address gets no certificate', async () => {
  for (const name of ['', 'a b', 'ä.example', 'x,DNS:evil', '1:2', 'a..b', `${'a.'.repeat(127)}a`]) {
    await assert.rejects(shared.issue('rds-ca-ecc384-g1', [name]), /neither a DNS name nor an IP address/, name)
  }
})

test('a CA lives as long as that of RDS and is named by its thumbprint', async () => {
  const years = async (identifier: (typeof shared.identifiers)[number]): Promise<number> => {
    const { validFrom, validTill } = await shared.certificate(identifier)
    return Math.round((validTill - validFrom) / (365.25 * DAY_MS))
  }
  assert.deepEqual(await Promise.all(shared.identifiers.map(years)), [100, 40, 100])
  const { pem, thumbprint } = await shared.certificate(shared.defaultIdentifier)
  assert.match(thumbprint, /^[0-9a-f]{40}$/)
  assert.ok(new X509Certificate(pem).ca)
  assert.equal((await shared.bundlePem()).match(/BEGIN CERTIFICATE/g)?.length, 3)
  assert.ok((await shared.bundlePem()).startsWith(pem))
})

test('authorities that are opened at once in a new folder have one CA, kept for later and private', async () => {
  const folder = newFolder()
  const pems = await Promise.all([1, 2, 3, 4].map(async () => (await open(folder).certificate('rds-ca-ecc384-g1')).pem))
  assert.equal(new Set(pems).size, 1)
  assert.equal((await open(folder).certificate('rds-ca-ecc384-g1')).pem, pems[0])
  assert.deepEqual(readdirSync(join(folder, 'ca')), ['rds-ca-ecc384-g1.pem'])
  assert.equal(statSync(join(folder, 'ca', 'rds-ca-ecc384-g1.pem')).mode & 0o777, 0o600)
})

test('a damaged CA file is refused and left as it is; once mended it is used without a restart', async () => {
  const folder = newFolder()
  const { pem } = await open(folder).certificate('rds-ca-ecc384-g1')
  const path = join(folder, 'ca', 'rds-ca-ecc384-g1.pem')
  const whole = readFileSync(path, 'utf8')
  const authority = open(folder)
  const otherKey = (await authority.issue('rds-ca-ecc384-g1', ['localhost'])).privateKeyPem
  for (const damaged of ['', whole.slice(0, 500), pem, pem + otherKey]) {
    writeFileSync(path, damaged)
    const opened = open(folder)
    await assert.rejects(opened.certificate('rds-ca-ecc384-g1'), /rds-ca-ecc384-g1\.pem is damaged/)
    assert.equal(readFileSync(path, 'utf8'), damaged)
    writeFileSync(path, whole)
    assert.equal((await opened.certificate('rds-ca-ecc384-g1')).pem, pem)
  }
})

/** `authorized`, or the code of the client's complaint. */
async function connect(issued: IssuedCertificate, host: string): Promise<string> {
  const server = tls.createServer({ cert: issued.certificatePem, key: issued.privateKeyPem })
  server.on('tlsClientError', () => {})
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const checkServerIdentity = (_: string, peer: tls.PeerCertificate) => tls.checkServerIdentity(host, peer)
  const client = tls.connect({ port, host: '127.0.0.1', ca: issued.caPem, checkServerIdentity })
  try {
    return await new Promise((resolve) => {
      client.once('secureConnect', () => resolve(client.authorized ? 'authorized' : 'not authorized'))
      client.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
    })
  } finally {
    client.destroy()
    server.close()
  }
}
