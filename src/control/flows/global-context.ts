/** What the steps that change the primary of a global database work with. */
import { NOTHING, type Held, type Mutation } from '#store/collection.ts'
import type { Control } from '../control.ts'
import { anyZone } from '../hosts.ts'
import { auroraRelaySubjectOf } from '../aurora-cluster/record.ts'
import type { ClusterKey } from '../db-instance/record.ts'
import { findGlobalCluster, isSame, type GlobalClusterRecord, type Switch } from '../global-cluster/record.ts'
import { volumes, type VolumeRecord } from '../volume/record.ts'
import { follow } from '../volume/relays.ts'
import { heldAurora, volumeOf, type HeldAurora } from './aurora-context.ts'
import type { FlowContext } from './context.ts'

export type SwitchContext = FlowContext<{ readonly account: string; readonly resourceId: string }>

/** The old primary and the new one. */
export interface Sides {
  readonly global: Held<GlobalClusterRecord>
  readonly under: Switch
  /** Undefined: it is gone. */
  readonly from: HeldAurora | undefined
  readonly fromVolume: Held<VolumeRecord> | undefined
  readonly to: HeldAurora
  readonly toVolume: Held<VolumeRecord>
}

/** Undefined: there is nothing to change any more. */
export async function sidesOf({
  control,
  input,
}: Pick<SwitchContext, 'control' | 'input'>): Promise<Sides | undefined> {
  const global = await findGlobalCluster(control, input)
  const under = global?.value.switch
  const to = under && (await heldAurora(control, under.to))
  const toVolume = to && (await volumeOf(control, to))
  if (!global || !under || !to || !toVolume) return undefined
  const from = await heldAurora(control, under.from)
  return { global, under, to, toVolume, from, fromVolume: from && (await volumeOf(control, from)) }
}

/** The write by which the cluster's relay is begun, moved or ended, as its volume's row says by then. */
export const relayed = async ({ control }: { readonly control: Control }, key: ClusterKey): Promise<Mutation> =>
  (await control.flows.supersede('keep-aurora-relay', auroraRelaySubjectOf(key), { key })).writes

/** The writes by which all other clusters' volumes are copies of the new primary's. */
export async function swapped(c: SwitchContext, { global, under, fromVolume }: Sides): Promise<Mutation[]> {
  const { control } = c
  const writes: Mutation[] = []
  // Of a switchover it is one already.
  if (fromVolume && !fromVolume.value.relay) {
    const zone = anyZone(control.hosts)
    const following = follow(fromVolume.value, { source: under.to, zone })
    writes.push(volumes(control, under.from).update(fromVolume, following), await relayed(c, under.from))
  }
  for (const key of global.value.secondaries.filter((one) => !isSame(one, under.to))) {
    const volume = await volumes(control, key).get(key.resourceId)
    if (!volume?.value.relay) continue
    const following = follow(volume.value, { source: under.to, zone: volume.value.relay.zone })
    writes.push(volumes(control, key).update(volume, following), await relayed(c, key))
  }
  return writes.length > 0 ? writes : [NOTHING]
}
