/** Holdfast's own certificate authorities, one per CA identifier of RDS. `openAuthority` makes one from the state folder. */
export interface Authority {
  /** CA identifiers that can be asked for: `rds-ca-ecc384-g1`, `rds-ca-rsa2048-g1`, `rds-ca-rsa4096-g1`. */
  readonly identifiers: readonly CaIdentifier[]
  readonly defaultIdentifier: CaIdentifier
  /**
   * A certificate whose names are DNS names or IP addresses, of a server unless `usage` says more. Keys are generated
   * for each.
   */
  issue(identifier: CaIdentifier, names: readonly string[], usage?: CertificateUsage): Promise<IssuedCertificate>
  /** The CA's own certificate; made at first use. */
  certificate(identifier: CaIdentifier): Promise<CaCertificate>
  /** All CA certificates, concatenated: what clients put into `sslrootcert`. */
  bundlePem(): Promise<string>
}

export type CaIdentifier = 'rds-ca-ecc384-g1' | 'rds-ca-rsa2048-g1' | 'rds-ca-rsa4096-g1'

/** `peer`: a process of Holdfast's own, which others dial and which dials others. A server's opens no door of theirs. */
export type CertificateUsage = 'server' | 'peer'

export interface IssuedCertificate {
  readonly certificatePem: string
  readonly privateKeyPem: string
  readonly caPem: string
  /** Milliseconds since the epoch. */
  readonly validFrom: number
  readonly validTill: number
}

export interface CaCertificate {
  readonly identifier: CaIdentifier
  readonly pem: string
  /** SHA-1 of the DER, hexadecimal, as DescribeCertificates gives it. */
  readonly thumbprint: string
  readonly validFrom: number
  readonly validTill: number
}
