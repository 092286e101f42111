import type { CaIdentifier } from '#trust/authority.ts'
import type { Control } from '../control.ts'
import type { EndpointCertificate } from './record.ts'
import { tlsLabel } from './tls.ts'

/** A certificate for the endpoint's names; its private key leaves this function sealed. */
export async function issueCertificate(
  control: Control,
  resourceId: string,
  identifier: string,
): Promise<EndpointCertificate> {
  const { hostname, listenAddress } = control.advertised
  const names = [
    ...new Set([hostname, 'localhost', '127.0.0.1', '::1', ...(isWildcard(listenAddress) ? [] : [listenAddress])]),
  ]
  const issued = await control.authority.issue(identifier as CaIdentifier, names)
  return {
    certificatePem: issued.certificatePem,
    sealedPrivateKey: control.vault.seal(issued.privateKeyPem, tlsLabel(resourceId)),
    caPem: issued.caPem,
    validTill: issued.validTill,
  }
}

interface Owner {
  readonly resourceId: string
}

/** A certificate of one resource with its key sealed for another, which shares it. */
export function certificateOf(
  { vault }: Pick<Control, 'vault'>,
  owners: { readonly of: Owner; readonly for: Owner },
  shared: EndpointCertificate,
): EndpointCertificate {
  const key = vault.open(shared.sealedPrivateKey, tlsLabel(owners.of.resourceId))
  return { ...shared, sealedPrivateKey: vault.seal(key, tlsLabel(owners.for.resourceId)) }
}

const isWildcard = (address: string): boolean => address === '0.0.0.0' || address === '::' || address === '*'
