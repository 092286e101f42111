/** Makes X.509 version 3 certificates (RFC 5280). Keys and signatures are node:crypto's. */
import { createHash, createPublicKey, sign } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { promisify } from 'node:util'
import {
  bitString,
  derNull,
  derTrue,
  explicit,
  implicit,
  integer,
  objectIdentifier,
  octetString,
  sequence,
  setOf,
  time,
  utf8String,
} from './der.ts'
import { addressBytes } from './address.ts'

export interface CertificatePlan {
  /** 16 random bytes. */
  readonly serial: Buffer
  readonly issuer: DistinguishedName
  readonly subject: DistinguishedName
  readonly subjectKey: KeyObject
  readonly issuerKey: KeyObject
  /** Digest that the issuer signs with. */
  readonly digest: 'sha256' | 'sha384'
  readonly validFrom: number
  readonly validTill: number
  /** DNS names and IP addresses of a server, which may dial others by it too; undefined for a certificate authority. */
  readonly endEntity: { readonly names: readonly string[]; readonly dials: boolean } | undefined
}

export interface DistinguishedName {
  readonly organization: string
  /** At most 64 characters (RFC 5280, appendix A.1). */
  readonly commonName: string
}

const signAsync = promisify(sign)

/** PEM of the signed certificate. `subjectKey` may be the private or the public key. */
export async function makeCertificate(plan: CertificatePlan): Promise<string> {
  const algorithm = signatureAlgorithm(plan)
  const toSign = sequence(
    explicit(0, integer(Buffer.of(2))),
    integer(positive(plan.serial)),
    algorithm,
    name(plan.issuer),
    sequence(time(plan.validFrom), time(plan.validTill)),
    name(plan.subject),
    subjectPublicKey(plan.subjectKey),
    explicit(3, sequence(...extensions(plan))),
  )
  const signature = await signAsync(plan.digest, toSign, plan.issuerKey)
  return pem(sequence(toSign, algorithm, bitString(signature)))
}

const OID = {
  organization: '2.5.4.10',
  commonName: '2.5.4.3',
  subjectKeyIdentifier: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  authorityKeyIdentifier: '2.5.29.35',
  extendedKeyUsage: '2.5.29.37',
  serverAuth: '1.3.6.1.5.5.7.3.1',
  clientAuth: '1.3.6.1.5.5.7.3.2',
} as const

const SIGNATURE_OID = {
  rsa: { sha256: '1.2.840.113549.1.1.11', sha384: '1.2.840.113549.1.1.12' },
  ec: { sha256: '1.2.840.10045.4.3.2', sha384: '1.2.840.10045.4.3.3' },
} as const

function signatureAlgorithm({ issuerKey, digest }: CertificatePlan): Buffer {
  // RFC 4055 wants NULL parameters for RSA, RFC 5758 wants none for ECDSA.
  return issuerKey.asymmetricKeyType === 'rsa'
    ? sequence(objectIdentifier(SIGNATURE_OID.rsa[digest]), derNull)
    : sequence(objectIdentifier(SIGNATURE_OID.ec[digest]))
}

function extensions(plan: CertificatePlan): Buffer[] {
  const own = [
    extension(OID.subjectKeyIdentifier, octetString(keyIdentifier(plan.subjectKey))),
    extension(OID.authorityKeyIdentifier, sequence(implicit(0, keyIdentifier(plan.issuerKey)))),
  ]
  if (plan.endEntity === undefined) {
    // No authority below this one: path length 0. Key usage: bits 5 (certificates) and 6 (revocation lists).
    const constraints = sequence(derTrue, integer(Buffer.of(0)))
    return [critical(OID.basicConstraints, constraints), critical(OID.keyUsage, bitString(Buffer.of(0x06), 1)), ...own]
  }
  // Bit 0, digital signature; for RSA also bit 2, key encipherment, which TLS 1.2 without (EC)DHE needs.
  const isRsa = plan.subjectKey.asymmetricKeyType === 'rsa'
  const usage = isRsa ? bitString(Buffer.of(0xa0), 5) : bitString(Buffer.of(0x80), 7)
  const purposes = plan.endEntity.dials ? [OID.serverAuth, OID.clientAuth] : [OID.serverAuth]
  return [
    critical(OID.basicConstraints, sequence()),
    critical(OID.keyUsage, usage),
    extension(OID.extendedKeyUsage, sequence(...purposes.map(objectIdentifier))),
    extension(OID.subjectAltName, sequence(...plan.endEntity.names.map(generalName))),
    ...own,
  ]
}

function extension(oid: string, value: Buffer): Buffer {
  return sequence(objectIdentifier(oid), octetString(value))
}

function critical(oid: string, value: Buffer): Buffer {
  return sequence(objectIdentifier(oid), derTrue, octetString(value))
}

function generalName(text: string): Buffer {
  const address = addressBytes(text)
  return address ? implicit(7, address) : implicit(2, Buffer.from(text, 'ascii'))
}

function name({ organization, commonName }: DistinguishedName): Buffer {
  const part = (oid: string, text: string) => setOf(sequence(objectIdentifier(oid), utf8String(text)))
  return sequence(part(OID.organization, organization), part(OID.commonName, commonName))
}

/** Method 4 of RFC 7093: of the whole SubjectPublicKeyInfo, so that nothing needs to be parsed. */
function keyIdentifier(key: KeyObject): Buffer {
  return createHash('sha256').update(subjectPublicKey(key)).digest().subarray(0, 20)
}

function subjectPublicKey(key: KeyObject): Buffer {
  return (key.type === 'private' ? createPublicKey(key) : key).export({ type: 'spki', format: 'der' })
}

/** RFC 5280, 4.1.2.2: a serial number is positive and at most 20 bytes. */
function positive(serial: Buffer): Buffer {
  return Buffer.concat([Buffer.of((serial[0]! & 0x3f) | 0x40), serial.subarray(1)])
}

function pem(der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g)!
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`
}
