/** Which certificate authority signs for instances that ask for none, and what the authorities are. */
import { CertificateNotFoundFault } from '@aws-sdk/client-rds'
import type { Certificate } from '@aws-sdk/client-rds'
import { NOTHING, Collection } from '#store/collection.ts'
import type { CaIdentifier } from '#trust/authority.ts'
import { fault } from '#wire/aws/faults.ts'
import { certificateArn } from '../arn.ts'
import { prefixOf, transact } from '../control.ts'
import type { Control, Scope } from '../control.ts'

interface CaOverride {
  readonly identifier: CaIdentifier
}

/** At most one record, under this id: the account's override in the region. */
const OVERRIDE = 'override'

const overrides = (control: Pick<Control, 'store'>, scope: Scope): Collection<CaOverride> =>
  new Collection(control.store, prefixOf(scope, 'default-ca'))

export async function defaultCaIdentifier(control: Control, scope: Scope): Promise<CaIdentifier> {
  return (await overriddenCa(control, scope)) ?? control.authority.defaultIdentifier
}

async function overriddenCa(control: Control, scope: Scope): Promise<CaIdentifier | undefined> {
  return (await overrides(control, scope).get(OVERRIDE))?.value.identifier
}

/** Throws CertificateNotFound for an authority that Holdfast does not have. */
export async function overrideDefaultCa(control: Control, scope: Scope, wanted: string): Promise<void> {
  const identifier = requireCertificate(control, wanted)
  await transact(control, async () => {
    const records = overrides(control, scope)
    const held = await records.get(OVERRIDE)
    const value = { identifier }
    return { mutation: held ? records.update(held, value) : records.create(OVERRIDE, value), result: undefined }
  })
}

export async function removeCaOverride(control: Control, scope: Scope): Promise<void> {
  await transact(control, async () => {
    const records = overrides(control, scope)
    const held = await records.get(OVERRIDE)
    return { mutation: held ? records.remove(held) : NOTHING, result: undefined }
  })
}

/** All authorities, or the named one. */
export async function describeCertificates(control: Control, scope: Scope, wanted?: string): Promise<Certificate[]> {
  const identifiers = wanted === undefined ? control.authority.identifiers : [requireCertificate(control, wanted)]
  const override = await overriddenCa(control, scope)
  return Promise.all(identifiers.map((identifier) => describe(control, scope, { identifier, override })))
}

async function describe(
  control: Control,
  scope: Scope,
  { identifier, override }: { readonly identifier: CaIdentifier; readonly override: CaIdentifier | undefined },
): Promise<Certificate> {
  const { thumbprint, validFrom, validTill } = await control.authority.certificate(identifier)
  return {
    CertificateIdentifier: identifier,
    CertificateType: 'CA',
    CertificateArn: certificateArn(scope.region, identifier),
    Thumbprint: thumbprint,
    ValidFrom: new Date(validFrom),
    ValidTill: new Date(validTill),
    CustomerOverride: identifier === override,
    ...(identifier === override && { CustomerOverrideValidTill: new Date(validTill) }),
  }
}

function requireCertificate(control: Control, wanted: string): CaIdentifier {
  const identifier = control.authority.identifiers.find((known) => known === wanted)
  if (!identifier) throw fault(CertificateNotFoundFault, `Certificate not found: ${wanted}`)
  return identifier
}
