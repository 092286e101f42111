import type { Control } from '../control.ts'
import { LOOPBACK } from '../db-instance/engine-address.ts'
import type { EndpointCertificate } from '../db-instance/record.ts'
import { tlsLabel } from '../db-instance/tls.ts'

/** For one of Holdfast's own processes, which others know by this name. Its key is sealed under the name. */
export async function issuePeerCertificate(
  { authority, vault }: Pick<Control, 'authority' | 'vault'>,
  name: string,
): Promise<EndpointCertificate> {
  const { certificatePem, privateKeyPem, caPem, validTill } = await authority.issue(
    authority.defaultIdentifier,
    [name, LOOPBACK],
    'peer',
  )
  return { certificatePem, sealedPrivateKey: vault.seal(privateKeyPem, tlsLabel(name)), caPem, validTill }
}
