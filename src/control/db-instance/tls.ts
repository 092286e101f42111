import type { TlsFiles } from '#wire/agent/messages.ts'
import type { Control } from '../control.ts'
import type { EndpointCertificate, InstanceKey } from './record.ts'

export const tlsLabel = (resourceId: string): string => `tls/${resourceId}`

/** The endpoint's certificate with its key in the clear. */
export const tlsOf = (
  control: Pick<Control, 'vault'>,
  { resourceId }: Pick<InstanceKey, 'resourceId'>,
  { certificatePem, sealedPrivateKey, caPem }: EndpointCertificate,
): TlsFiles => ({ certificatePem, privateKeyPem: control.vault.open(sealedPrivateKey, tlsLabel(resourceId)), caPem })
