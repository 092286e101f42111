/** By which log nodes know the heads of a volume, whatever host they are on: one certificate for all of its epochs. */
import { assert } from '#base/assert.ts'
import type { TlsFiles } from '#wire/agent/messages.ts'
import { headName } from '#wire/quorum/identity.ts'
import type { Control } from '../control.ts'
import { tlsOf } from '../db-instance/tls.ts'
import { issuePeerCertificate } from './peer-certificate.ts'
import type { VolumeRecord } from './record.ts'

export const withHeadCertificate = async (control: Control, volume: VolumeRecord): Promise<VolumeRecord> => ({
  ...volume,
  headCertificate: await issuePeerCertificate(control, headName(volume.id)),
})

export function headTlsOf(control: Pick<Control, 'vault'>, { id, headCertificate }: VolumeRecord): TlsFiles {
  assert(headCertificate, 'a volume has the certificate of its heads before anybody leads it')
  return tlsOf(control, { resourceId: headName(id) }, headCertificate)
}
