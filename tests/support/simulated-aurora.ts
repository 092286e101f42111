/** Aurora clusters on simulated engines: made, looked at and left to themselves, without the API's door. */
import type { CreateDBClusterMessage, CreateDBInstanceMessage, DBCluster, DBInstance } from '@aws-sdk/client-rds'
import { auroraClusters, type AuroraClusterRecord } from '#control/aurora-cluster/record.ts'
import { createCluster, describeAnyCluster } from '#control/cluster/verbs.ts'
import { createInstance } from '#control/cluster/member-verbs.ts'
import type { Scope } from '#control/control.ts'
import { describeInstance } from '#control/db-instance/describe.ts'
import { dbInstances, type DbInstanceRecord } from '#control/db-instance/record.ts'
import type { Hosts } from '#control/hosts.ts'
import { volumes, type VolumeRecord } from '#control/volume/record.ts'
import type { JobKind, JobKinds } from '#wire/agent/messages.ts'
import { SCOPE } from './control.ts'
import { inTime } from './in-time.ts'
import {} from './simulated-cluster.ts'
import { simulatedControl, type SimulatedControl } from './simulated-control.ts'

export const newAurora = (
  control: SimulatedControl,
  id: string,
  more: Partial<CreateDBClusterMessage> = {},
): Promise<DBCluster> =>
  inTime(
    control,
    createCluster(control, SCOPE, {
      DBClusterIdentifier: id,
      Engine: 'aurora-postgresql',
      MasterUsername: 'app',
      MasterUserPassword: 'correct-horse-battery',
      ...more,
    } as Parameters<typeof createCluster>[2]),
  )

export const addInstance = (
  control: SimulatedControl,
  id: string,
  more: Partial<CreateDBInstanceMessage> = {},
): Promise<DbInstanceRecord> =>
  inTime(
    control,
    createInstance(control, SCOPE, {
      DBInstanceIdentifier: id,
      DBClusterIdentifier: 'shop',
      DBInstanceClass: 'db.r6g.large',
      Engine: 'aurora-postgresql',
      ...more,
    } as Parameters<typeof createInstance>[2]),
  )

/** A cluster `shop` with these instances. */
export async function auroraWith(
  instances: readonly string[],
  more: Partial<CreateDBClusterMessage> = {},
): Promise<SimulatedControl> {
  const control = await simulatedControl()
  await newAurora(control, 'shop', more)
  for (const id of instances) await addInstance(control, id)
  return control
}

/** The same, after its keeper has done its work. */
export async function keptAuroraWith(...args: Parameters<typeof auroraWith>): Promise<SimulatedControl> {
  const control = await auroraWith(...args)
  await keptAurora(control)
  return control
}

export const auroraOf = async (control: SimulatedControl, id = 'shop', scope = SCOPE): Promise<AuroraClusterRecord> =>
  (await auroraClusters(control, scope).get(id))!.value

export const volumeOf = async (control: SimulatedControl, id = 'shop'): Promise<VolumeRecord> =>
  (await volumes(control, SCOPE).get((await auroraOf(control, id)).resourceId))!.value

export const clusterShown = async (control: SimulatedControl, id = 'shop'): Promise<DBCluster> =>
  describeAnyCluster(control, await auroraOf(control, id))

export const instanceShown = async (control: SimulatedControl, id: string): Promise<DBInstance> =>
  describeInstance(control, (await dbInstances(control, SCOPE).get(id))!.value)

/** Identifier of the writer, as users see it. */
export const writerOf = async (control: SimulatedControl): Promise<string | undefined> =>
  (await clusterShown(control)).DBClusterMembers!.find(({ IsClusterWriter }) => IsClusterWriter)?.DBInstanceIdentifier

/** Whom an endpoint leads to, by identifier. */
export async function reached(
  control: SimulatedControl,
  routeId: string,
  scope: Scope = SCOPE,
  cluster = 'shop',
): Promise<string[]> {
  const { members } = await auroraOf(control, cluster, scope)
  const seen = Object.keys(control.endpoints.observed(routeId)?.connections ?? {})
  return members.filter(({ resourceId }) => seen.includes(resourceId)).map(({ id }) => id)
}

/** Lets the cluster's keeper do its work, rests included. */
export async function keptAurora(control: SimulatedControl): Promise<void> {
  for (let round = 0; round < 10; round++) await control.clock.advance(30_000)
}

/** Jobs of this kind that hosts are given from now on, by what they were given. */
export function jobsOf<K extends JobKind>(control: SimulatedControl, kind: K): JobKinds[K]['input'][] {
  const given: JobKinds[K]['input'][] = []
  const { startJob } = control.hosts
  const hosts = control.hosts as { startJob: Hosts['startJob'] }
  hosts.startJob = (zone, id, asked, input) => {
    if ((asked as JobKind) === kind) given.push(input as JobKinds[K]['input'])
    return startJob(zone, id, asked, input)
  }
  return given
}
