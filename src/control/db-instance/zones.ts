import type { Control } from '../control.ts'
import { dbInstanceNames, findByKey, type DbInstanceRecord } from './record.ts'

/** Zones whose hosts have a copy of this instance. */
export const zonesOf = ({ zone, standby }: DbInstanceRecord): string[] => (standby ? [zone, standby.zone] : [zone])

/** Zones whose hosts have a copy of an instance, in any account and region. */
export async function zonesInUse(control: Pick<Control, 'store'>): Promise<string[]> {
  const zones = new Set<string>()
  const names = dbInstanceNames(control)
  for (const { key } of await names.list()) {
    const [account, region, resourceId] = key.slice(names.prefix.length).split('/')
    const held = await findByKey(control, { account: account!, region: region!, resourceId: resourceId! })
    if (held) for (const zone of zonesOf(held.value)) zones.add(zone)
  }
  return [...zones].sort()
}
