/** Create-, Modify- and DeleteDBClusterEndpoint, and the endpoints of an Aurora cluster in RDS's shape. */
import type {
  CreateDBClusterEndpointMessage,
  DBClusterEndpoint,
  ModifyDBClusterEndpointMessage,
} from '@aws-sdk/client-rds'
import {
  DBClusterEndpointAlreadyExistsFault,
  DBClusterEndpointNotFoundFault,
  InvalidDBClusterEndpointStateFault,
  InvalidDBClusterStateFault,
} from '@aws-sdk/client-rds'
import { resourceId as newResourceId } from '#host/random.ts'
import { together, type Held } from '#store/collection.ts'
import { fault } from '#wire/aws/faults.ts'
import { rdsArn } from '../arn.ts'
import { transact, type Control, type Scope } from '../control.ts'
import { readerEndpointOf } from '../db-cluster/describe.ts'
import { choosePort } from '../db-instance/ports.ts'
import { started } from '../db-instance/started.ts'
import { checkTags } from '../tag/tags.ts'
import {
  readMembership,
  requireEndpointIdentifier,
  requireRole,
  requireRoomForEndpoint,
  type CustomEndpoint,
} from './custom-endpoint.ts'
import { requireAuroraCluster } from './find.ts'
import {
  auroraClusters,
  auroraEndpointSubjectOf,
  auroraKeyOf,
  auroraRoutesSubjectOf,
  type AuroraClusterRecord,
} from './record.ts'

type CreateInput = CreateDBClusterEndpointMessage & {
  DBClusterIdentifier: string
  DBClusterEndpointIdentifier: string
  EndpointType: string
}

export async function createClusterEndpoint(
  control: Control,
  scope: Scope,
  input: CreateInput,
): Promise<DBClusterEndpoint> {
  const id = requireEndpointIdentifier(input.DBClusterEndpointIdentifier)
  const role = requireRole(input.EndpointType)
  const tags = checkTags(input.Tags ?? [])
  const resourceId = newResourceId('cluster-endpoint', control.random)
  const { cluster, endpoint, flowId } = await transact(control, async () => {
    const held = await requireAuroraCluster(control, scope, input.DBClusterIdentifier)
    requireChangeable(held.value)
    const membership = readMembership(input, held.value.members) ?? { excluded: [] }
    requireRoomForEndpoint(held.value.endpoints)
    if (await findEndpoint(control, scope, id))
      throw fault(DBClusterEndpointAlreadyExistsFault, `The DB cluster endpoint ${id} already exists.`)
    const { port, writes } = await choosePort(control, held.value.port, resourceId)
    const endpoint: CustomEndpoint = { id, resourceId, role, membership, port, tags }
    const cluster = { ...held.value, endpoints: [...held.value.endpoints, endpoint] }
    const flow = await routing(control, cluster)
    return {
      mutation: together(auroraClusters(control, scope).update(held, cluster), writes, flow.writes),
      result: { cluster, endpoint, flowId: flow.id },
    }
  })
  await started(control, flowId)
  return describeEndpoint(control, cluster, endpoint)
}

type ModifyInput = ModifyDBClusterEndpointMessage & { DBClusterEndpointIdentifier: string }

export async function modifyClusterEndpoint(
  control: Control,
  scope: Scope,
  input: ModifyInput,
): Promise<DBClusterEndpoint> {
  const role = input.EndpointType === undefined ? undefined : requireRole(input.EndpointType)
  const { cluster, endpoint, flowId } = await transact(control, async () => {
    const { held, endpoint } = await requireEndpoint(control, scope, input.DBClusterEndpointIdentifier)
    requireChangeable(held.value)
    const membership = readMembership(input, held.value.members) ?? emptied(input) ?? endpoint.membership
    const changed: CustomEndpoint = { ...endpoint, role: role ?? endpoint.role, membership }
    const endpoints = held.value.endpoints.map((one) => (one === endpoint ? changed : one))
    const cluster = { ...held.value, endpoints }
    const flow = await routing(control, cluster)
    return {
      mutation: together(auroraClusters(control, scope).update(held, cluster), flow.writes),
      result: { cluster, endpoint: changed, flowId: flow.id },
    }
  })
  await started(control, flowId)
  return describeEndpoint(control, cluster, endpoint)
}

/** A list that is given and empty is a list: nobody is left out. */
const emptied = ({
  StaticMembers,
  ExcludedMembers,
}: ModifyDBClusterEndpointMessage): CustomEndpoint['membership'] | undefined =>
  StaticMembers === undefined && ExcludedMembers === undefined ? undefined : { excluded: [] }

export async function deleteClusterEndpoint(
  control: Control,
  scope: Scope,
  idOrName: string,
): Promise<DBClusterEndpoint> {
  const { cluster, endpoint, flowId } = await transact(control, async () => {
    const { held, endpoint } = await requireEndpoint(control, scope, idOrName)
    requireChangeable(held.value)
    const deleting: CustomEndpoint = { ...endpoint, isDeleting: true }
    const endpoints = held.value.endpoints.map((one) => (one === endpoint ? deleting : one))
    const cluster = { ...held.value, endpoints }
    const key = auroraKeyOf(cluster)
    const input = { key, endpoint: endpoint.resourceId }
    const flow = control.flows.start('delete-aurora-endpoint', auroraEndpointSubjectOf(key, endpoint.resourceId), input)
    return {
      mutation: together(auroraClusters(control, scope).update(held, cluster), flow.writes),
      result: { cluster, endpoint: deleting, flowId: flow.id },
    }
  })
  await started(control, flowId)
  return describeEndpoint(control, cluster, endpoint)
}

/** Writes that start the flow which has every endpoint lead where the cluster says. */
const routing = (
  control: Pick<Control, 'flows'>,
  cluster: AuroraClusterRecord,
): ReturnType<Control['flows']['supersede']> =>
  control.flows.supersede('route-aurora-cluster', auroraRoutesSubjectOf(auroraKeyOf(cluster)), {
    key: auroraKeyOf(cluster),
  })

function requireChangeable({ id, phase }: AuroraClusterRecord): void {
  if (phase !== 'available')
    throw fault(InvalidDBClusterStateFault, `DB cluster ${id} is not currently available: its status is ${phase}.`)
}

interface FoundEndpoint {
  readonly held: Held<AuroraClusterRecord>
  readonly endpoint: CustomEndpoint
}

async function findEndpoint(
  control: Pick<Control, 'store'>,
  scope: Scope,
  id: string,
): Promise<FoundEndpoint | undefined> {
  for (const held of await auroraClusters(control, scope).list()) {
    const endpoint = held.value.endpoints.find((one) => one.id === id.toLowerCase())
    if (endpoint) return { held, endpoint }
  }
  return undefined
}

/** Throws DBClusterEndpointNotFoundFault. */
async function requireEndpoint(control: Pick<Control, 'store'>, scope: Scope, id: string): Promise<FoundEndpoint> {
  const found = await findEndpoint(control, scope, id)
  if (found?.endpoint.isDeleting)
    throw fault(InvalidDBClusterEndpointStateFault, `DBClusterEndpoint ${id} is being deleted.`)
  if (!found) throw fault(DBClusterEndpointNotFoundFault, `DBClusterEndpoint ${id} not found.`)
  return found
}

export const addressOfEndpoint = (
  { advertised }: Pick<Control, 'advertised'>,
  { port }: Pick<CustomEndpoint, 'port'>,
): string => `${advertised.hostname}:${port}`

/** The cluster endpoint, the reader endpoint and those that users made. */
export function endpointsOfAurora(control: Control, cluster: AuroraClusterRecord): DBClusterEndpoint[] {
  const Status = statusOf(cluster)
  const known = { DBClusterIdentifier: cluster.id, Status }
  return [
    { ...known, Endpoint: control.advertised.hostname, EndpointType: 'WRITER' },
    { ...known, Endpoint: readerEndpointOf(control, cluster), EndpointType: 'READER' },
    ...cluster.endpoints.map((endpoint) => describeEndpoint(control, cluster, endpoint)),
  ]
}

const statusOf = ({ phase }: AuroraClusterRecord): string =>
  phase === 'deleting' || phase === 'creating' ? phase : phase === 'stopped' ? 'inactive' : 'available'

/** It is there once its gateway is; without an instance in the cluster there is nothing for one to do. */
function statusOfCustom(control: Seeing, cluster: AuroraClusterRecord, endpoint: CustomEndpoint): string {
  if (endpoint.isDeleting) return 'deleting'
  const status = statusOf(cluster)
  const isThere = control.endpoints.observed(endpoint.resourceId) !== undefined || !cluster.isOpen
  return status === 'available' && !isThere ? 'creating' : status
}

type Seeing = Pick<Control, 'advertised' | 'endpoints'>

function describeEndpoint(control: Seeing, cluster: AuroraClusterRecord, endpoint: CustomEndpoint): DBClusterEndpoint {
  const { membership } = endpoint
  const names = (ids: readonly string[]): string[] =>
    cluster.members.filter(({ resourceId }) => ids.includes(resourceId)).map(({ id }) => id)
  return {
    DBClusterEndpointIdentifier: endpoint.id,
    DBClusterIdentifier: cluster.id,
    DBClusterEndpointResourceIdentifier: endpoint.resourceId,
    DBClusterEndpointArn: rdsArn(cluster, 'cluster-endpoint', endpoint.id),
    Endpoint: addressOfEndpoint(control, endpoint),
    Status: statusOfCustom(control, cluster, endpoint),
    EndpointType: 'CUSTOM',
    CustomEndpointType: endpoint.role,
    StaticMembers: 'statics' in membership ? names(membership.statics) : [],
    ExcludedMembers: 'statics' in membership ? [] : names(membership.excluded),
  }
}
