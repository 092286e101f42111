/** Global databases on simulated engines: a primary in the usual region, and secondaries in others. */
import type { CreateDBClusterMessage, DBCluster, GlobalCluster } from '@aws-sdk/client-rds'
import { auroraClusters, type AuroraClusterRecord } from '#control/aurora-cluster/record.ts'
import { createInstance } from '#control/cluster/member-verbs.ts'
import { createCluster, describeAnyCluster } from '#control/cluster/verbs.ts'
import type { Scope } from '#control/control.ts'
import { createGlobalCluster } from '#control/global-cluster/create.ts'
import { describeGlobalCluster } from '#control/global-cluster/describe.ts'
import { listGlobalClusters } from '#control/global-cluster/list.ts'
import type { Hosts } from '#control/hosts.ts'
import type { ObservedLogNode, ObservedRelay } from '#wire/lognode/messages.ts'
import { SCOPE } from './control.ts'
import { addInstance, newAurora } from './simulated-aurora.ts'
import { inTime } from './in-time.ts'
import { simulatedControl, type SimulatedControl } from './simulated-control.ts'

export const EAST: Scope = { ...SCOPE, region: 'us-east-2' }

const NAMED = { GlobalClusterIdentifier: 'world' }

/** With the cluster `shop` as its primary. */
export const newGlobal = (control: SimulatedControl): Promise<unknown> =>
  createGlobalCluster(control, SCOPE, { ...NAMED, SourceDBClusterIdentifier: 'shop' })

export const addSecondary = (
  control: SimulatedControl,
  scope: Scope,
  id: string,
  more: Partial<CreateDBClusterMessage> = {},
): Promise<DBCluster> =>
  inTime(
    control,
    createCluster(control, scope, {
      DBClusterIdentifier: id,
      Engine: 'aurora-postgresql',
      ...NAMED,
      ...more,
    } as Parameters<typeof createCluster>[2]),
  )

export const createInstanceIn = (
  control: SimulatedControl,
  scope: Scope,
  { cluster, id }: { readonly cluster: string; readonly id: string },
): Promise<unknown> =>
  inTime(
    control,
    createInstance(control, scope, {
      DBInstanceIdentifier: id,
      DBClusterIdentifier: cluster,
      DBInstanceClass: 'db.r6g.large',
      Engine: 'aurora-postgresql',
    }),
  )

/** The cluster `shop` with `one` and `two`, and its copy `far` with `far-1` and `far-2`. */
export async function fillGlobal(control: SimulatedControl, more: Partial<CreateDBClusterMessage> = {}): Promise<void> {
  await newAurora(control, 'shop', more)
  for (const id of ['one', 'two']) await addInstance(control, id)
  await newGlobal(control)
  await addSecondary(control, EAST, 'far')
  for (const id of ['far-1', 'far-2']) await createInstanceIn(control, EAST, { cluster: 'far', id })
}

export async function withSecondary(): Promise<SimulatedControl> {
  const control = await simulatedControl()
  await fillGlobal(control)
  return control
}

/** As it is kept, and as it is shown. */
export async function clusterIn(
  control: SimulatedControl,
  scope: Scope,
  id: string,
): Promise<{ readonly record: AuroraClusterRecord; readonly shown: DBCluster }> {
  const record = (await auroraClusters(control, scope).get(id))!.value
  return { record, shown: await describeAnyCluster(control, record) }
}

export async function globalShown(control: SimulatedControl, id = 'world'): Promise<GlobalCluster> {
  const [record] = await listGlobalClusters(control, SCOPE, { GlobalClusterIdentifier: id })
  return describeGlobalCluster(control, record!)
}

/** What log nodes say of relays is changed on the way. */
export function relaysSeen(control: SimulatedControl, change: (relay: ObservedRelay) => ObservedRelay): () => void {
  const hosts = control.hosts as { ask: Hosts['ask'] }
  const { ask } = hosts
  hosts.ask = async (zone, question, input) => {
    const answer = await ask.call(hosts, zone, question, input)
    const { observed } = answer as { observed?: ObservedLogNode }
    if (question !== 'lognode.look' || !observed) return answer
    return { observed: { ...observed, relays: observed.relays.map(change) } } as typeof answer
  }
  return () => (hosts.ask = ask)
}
