/** Which instances are read replicas of which: `<source's account/region/resource id>/<replica's region>/<resource id>`. */
import { Collection, NOTHING, type Mutation } from '#store/collection.ts'
import type { Control, Scope } from '../control.ts'
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

/** How many the instance of the scope has that has the most. */
export async function mostReplicas(control: Pick<Control, 'store'>, { account, region }: Scope): Promise<number> {
  const counts = new Map<string, number>()
  const all = replicas(control)
  for (const { key } of await all.list(`${account}/${region}/`)) {
    const source = key.slice(all.prefix.length).split('/')[2]!
    counts.set(source, (counts.get(source) ?? 0) + 1)
  }
  return Math.max(0, ...counts.values())
}

export const addReplica = (control: Pick<Control, 'store'>, source: InstanceKey, replica: InstanceKey): Mutation =>
  replicas(control).create(idOf(source, replica), replica)

export async function dropReplica(
  control: Pick<Control, 'store'>,
  source: InstanceKey,
  replica: InstanceKey,
): Promise<Mutation> {
  const held = await replicas(control).get(idOf(source, replica))
  return held ? replicas(control).remove(held) : NOTHING
}
