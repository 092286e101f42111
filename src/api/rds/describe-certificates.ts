import { defaultCaIdentifier, describeCertificates } from '#control/certificate/default-ca.ts'
import type { RdsHandler } from '../handler.ts'
import { page } from '../pages.ts'
import { checkFilters } from './filters.ts'

export const DescribeCertificates: RdsHandler<'DescribeCertificates'> = async (input, context) => {
  checkFilters(input.Filters)
  const certificates = await describeCertificates(context.control, context, input.CertificateIdentifier)
  const { items, ...more } = page(certificates, {
    ...input,
    keyOf: (certificate) => certificate.CertificateIdentifier!,
  })
  return {
    Certificates: items,
    DefaultCertificateForNewLaunches: await defaultCaIdentifier(context.control, context),
    ...more,
  }
}
