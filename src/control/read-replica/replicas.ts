/** Which instances are read replicas of which: `<source's account/region/resource id>/<replica's region>/<resource id>`. */
import { Collection, type Mutation } from '#store/collection.ts'
import type { Control } from '../control.ts'
import type { InstanceKey } from '../db-instance/record.ts'

const replicas = (control: Pick<Control, 'store'>): Collection<InstanceKey> =>
  new Collection(control.store, 'read-replica/')

const under = (source: InstanceKey): string => `${source.account}/${source.region}/${source.resourceId}/`
const idOf = (source: InstanceKey, replica: InstanceKey): string =>
  `${under(source)}${replica.region}/${replica.resourceId}`

/** The name under which a replica streams from its source. */
export const replicaName = ({ resourceId }: InstanceKey): string => `r_${resourceId.replace(/^db-/, '').toLowerCase()}`

/** The read replicas of an instance, in every region. */
export async function replicasOf(control: Pick<Control, 'store'>, source: InstanceKey): Promise<InstanceKey[]> {
  return (await replicas(control).list(under(source))).map(({ value }) => value)
}

export const addReplica = (control: Pick<Control, 'store'>, source: InstanceKey, replica: InstanceKey): Mutation =>
  replicas(control).create(idOf(source, replica), replica)
