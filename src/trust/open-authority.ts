import { X509Certificate, createPrivateKey, generateKeyPair } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Clock } from '#host/clock.ts'
import { makeFolder } from '#host/disk.ts'
import { createPrivateFile, readPrivateFile } from '#host/private-file.ts'
import type { Random } from '#host/random.ts'
import type { Authority, CaCertificate, CaIdentifier, CertificateUsage, IssuedCertificate } from './authority.ts'
import {
  CA_LIFE_MS,
  CA_LIFE_RSA2048_MS,
  CLOCK_TOLERANCE_MS,
  COMMON_NAME_CHARS_MAX,
  DNS_NAME_CHARS_MAX,
  SERVER_CERTIFICATE_LIFE_MS,
} from './limits.ts'
import { addressBytes } from './x509/address.ts'
import { makeCertificate } from './x509/certificate.ts'

/** Names and algorithms are those of RDS. AWS: RDS User Guide, "Certificate authorities". */
const KINDS: Record<CaIdentifier, Kind> = {
  'rds-ca-ecc384-g1': { digest: 'sha384', lifeMs: CA_LIFE_MS, caKey: ec('P-384'), serverKey: ec('P-256') },
  'rds-ca-rsa2048-g1': { digest: 'sha256', lifeMs: CA_LIFE_RSA2048_MS, caKey: rsa(2048), serverKey: rsa(2048) },
  'rds-ca-rsa4096-g1': { digest: 'sha384', lifeMs: CA_LIFE_MS, caKey: rsa(4096), serverKey: rsa(4096) },
}

interface Kind {
  readonly digest: 'sha256' | 'sha384'
  readonly lifeMs: number
  readonly caKey: KeyMaker
  readonly serverKey: KeyMaker
}

type KeyMaker = () => Promise<KeyObject>

interface CertificateAuthority {
  readonly certificate: X509Certificate
  readonly pem: string
  readonly commonName: string
  readonly key: KeyObject
}

const ORGANIZATION = 'Holdfast'

/**
 * The certificate authorities of a state folder: `ca/<identifier>.pem` there, each the certificate and its private key,
 * made when first asked for. Of processes that ask at once all get the same. Safe to kill at any time.
 */
export function openAuthority(folder: string, clock: Clock, random: Random): Authority {
  const identifiers = Object.keys(KINDS) as CaIdentifier[]
  const files = new AuthorityFiles(join(folder, 'ca'), clock, random)

  return {
    identifiers,
    defaultIdentifier: 'rds-ca-ecc384-g1',
    issue: async (identifier, names, usage = 'server') =>
      issue(identifier, { names, usage }, { ca: await files.get(identifier), clock, random }),
    certificate: async (identifier) => described(identifier, await files.get(identifier)),
    bundlePem: async () => (await Promise.all(identifiers.map((i) => files.get(i)))).map((ca) => ca.pem).join(''),
  }
}

async function issue(
  identifier: CaIdentifier,
  { names, usage }: { readonly names: readonly string[]; readonly usage: CertificateUsage },
  by: { ca: CertificateAuthority; clock: Clock; random: Random },
): Promise<IssuedCertificate> {
  for (const name of names) refuseUnusable(name)
  const subjectKey = await KINDS[identifier].serverKey()
  const validFrom = startOfSecond(by.clock.now() - CLOCK_TOLERANCE_MS)
  const validTill = validFrom + SERVER_CERTIFICATE_LIFE_MS
  const certificatePem = await makeCertificate({
    serial: by.random.bytes(16),
    issuer: { organization: ORGANIZATION, commonName: by.ca.commonName },
    // Clients look at the alternative names; the common name is for people, and too short for some endpoints.
    subject: {
      organization: ORGANIZATION,
      commonName: names.find((name) => name.length <= COMMON_NAME_CHARS_MAX) ?? ORGANIZATION,
    },
    subjectKey,
    issuerKey: by.ca.key,
    digest: KINDS[identifier].digest,
    validFrom,
    validTill,
    endEntity: { names: [...new Set(names)], dials: usage === 'peer' },
  })
  return { certificatePem, privateKeyPem: pemOf(subjectKey), caPem: by.ca.pem, validFrom, validTill }
}

/** Throws for what cannot stand in a certificate: neither an IP address nor a DNS name. */
function refuseUnusable(name: string): void {
  const isDns = /^(\*\.)?[\w-]+(\.[\w-]+)*$/.test(name) && name.length <= DNS_NAME_CHARS_MAX
  if (!isDns && !addressBytes(name)) throw new Error(`'${name}' is neither a DNS name nor an IP address`)
}

function described(identifier: CaIdentifier, ca: CertificateAuthority): CaCertificate {
  return {
    identifier,
    pem: ca.pem,
    thumbprint: ca.certificate.fingerprint.replaceAll(':', '').toLowerCase(),
    validFrom: ca.certificate.validFromDate.getTime(),
    validTill: ca.certificate.validToDate.getTime(),
  }
}

class AuthorityFiles {
  private readonly folder: string
  private readonly clock: Clock
  private readonly random: Random
  private readonly opening = new Map<CaIdentifier, Promise<CertificateAuthority>>()

  constructor(folder: string, clock: Clock, random: Random) {
    this.folder = folder
    this.clock = clock
    this.random = random
  }

  /** One at a time per identifier; a failure is not remembered, so that the next caller tries again. */
  get(identifier: CaIdentifier): Promise<CertificateAuthority> {
    const running = this.opening.get(identifier)
    if (running) return running
    const opened = this.open(identifier)
    this.opening.set(identifier, opened)
    opened.catch(() => this.opening.delete(identifier))
    return opened
  }

  private async open(identifier: CaIdentifier): Promise<CertificateAuthority> {
    const path = join(this.folder, `${identifier}.pem`)
    let text = await readPrivateFile(path)
    if (text === undefined) {
      await makeFolder(this.folder, { mode: 0o700 })
      await createPrivateFile(path, await this.make(identifier))
      // Read back, because another process may have been first.
      text = (await readPrivateFile(path)) ?? ''
    }
    return parse(text, path)
  }

  private async make(identifier: CaIdentifier): Promise<string> {
    const kind = KINDS[identifier]
    const key = await kind.caKey()
    // Each state folder has its own name: two authorities that share one confuse trust stores which hold both.
    const commonName = `Holdfast ${identifier} ${this.random.bytes(4).toString('hex')}`
    const subject = { organization: ORGANIZATION, commonName }
    const validFrom = startOfSecond(this.clock.now() - CLOCK_TOLERANCE_MS)
    const certificatePem = await makeCertificate({
      serial: this.random.bytes(16),
      issuer: subject,
      subject,
      subjectKey: key,
      issuerKey: key,
      digest: kind.digest,
      validFrom,
      validTill: validFrom + kind.lifeMs,
      endEntity: undefined,
    })
    return certificatePem + pemOf(key)
  }
}

function parse(text: string, path: string): CertificateAuthority {
  try {
    const certificate = new X509Certificate(text)
    const key = createPrivateKey(text)
    if (!certificate.checkPrivateKey(key)) throw new Error('certificate and private key do not belong together')
    const commonName = /^CN=(.*)$/m.exec(certificate.subject)?.[1]
    if (commonName === undefined) throw new Error('the certificate has no common name')
    return { certificate, key, commonName, pem: certificate.toString() }
  } catch (cause) {
    throw new Error(
      `${path} is damaged. Put it back from a backup, or delete it to get a new certificate authority ` +
        '(clients that verify must then fetch the new CA certificate)',
      { cause },
    )
  }
}

const generate = promisify(generateKeyPair)

function ec(namedCurve: string): KeyMaker {
  return async () => (await generate('ec', { namedCurve })).privateKey
}

function rsa(modulusLength: number): KeyMaker {
  return async () => (await generate('rsa', { modulusLength })).privateKey
}

function pemOf(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' }).toString()
}

/** Certificates hold whole seconds. */
function startOfSecond(epochMs: number): number {
  return Math.floor(epochMs / 1000) * 1000
}
