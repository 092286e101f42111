import { describeCertificates, overrideDefaultCa, removeCaOverride } from '#control/certificate/default-ca.ts'
import { AwsFault } from '#wire/aws/faults.ts'
import type { RdsHandler } from '../handler.ts'

/** Without an override the reply is about the authority that new instances get anyway. */
export const ModifyCertificates: RdsHandler<'ModifyCertificates'> = async (input, { control, ...context }) => {
  const { CertificateIdentifier: wanted, RemoveCustomerOverride } = input
  if ((wanted === undefined) === !RemoveCustomerOverride)
    throw new AwsFault(
      'InvalidParameterCombination',
      'Provide either CertificateIdentifier or RemoveCustomerOverride, and not both.',
    )
  if (wanted === undefined) await removeCaOverride(control, context)
  else await overrideDefaultCa(control, context, wanted)
  const [Certificate] = await describeCertificates(control, context, wanted ?? control.authority.defaultIdentifier)
  return { Certificate }
}
