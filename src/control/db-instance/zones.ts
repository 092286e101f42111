import type { Control } from '../control.ts'
import { dbInstanceNames, findByKey } from './record.ts'

/** Zones whose hosts have an instance, in any account and region. */
export async function zonesInUse(control: Pick<Control, 'store'>): Promise<string[]> {
  const zones = new Set<string>()
  const names = dbInstanceNames(control)
  for (const { key } of await names.list()) {
    const [account, region, resourceId] = key.slice(names.prefix.length).split('/')
    const held = await findByKey(control, { account: account!, region: region!, resourceId: resourceId! })
    if (held) zones.add(held.value.zone)
  }
  return [...zones].sort()
}
