import { choosePorts } from '../db-instance/ports.ts'
import type { Control } from '../control.ts'
import type { CopyPorts, DbInstanceRecord, Standby } from '../db-instance/record.ts'
import type { Mutation } from '#store/collection.ts'

export interface SecondCopy {
  readonly standby: Standby
  readonly copyPorts: CopyPorts
  readonly writes: Mutation
}

/** A place for the second copy: the next zone, and ports of both engines, which the writes take. */
export async function placeSecondCopy(
  control: Control,
  record: Pick<DbInstanceRecord, 'zone' | 'port' | 'resourceId'>,
  isDirect: boolean,
): Promise<SecondCopy> {
  const zone = nextZone(control, record.zone)
  const { ports, writes } = await choosePorts(control, { count: 2, except: record.port, owner: record.resourceId })
  return {
    standby: { zone, state: 'missing' },
    copyPorts: { byZone: { [record.zone]: ports[0]!, [zone]: ports[1]! }, isDirect },
    writes,
  }
}

function nextZone(control: Pick<Control, 'hosts'>, zone: string): string {
  const { zones } = control.hosts
  return zones[(zones.indexOf(zone) + 1) % zones.length]!
}
