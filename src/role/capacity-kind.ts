/** What a serverless engine's capacity is: what the kernel lets it have, where it can, and settings; or settings alone. */
export type CapacityKind = 'limits' | 'settings'

/** What `HOLDFAST_CAPACITY` says. Undefined: something that is neither. */
export function capacityKind(text: string | undefined): CapacityKind | undefined {
  if (text === undefined || text === '' || text === 'limits') return 'limits'
  return text === 'settings' ? 'settings' : undefined
}
