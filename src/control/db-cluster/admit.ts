import { findAuroraCluster } from '../aurora-cluster/record.ts'
import { admitToAurora } from '../aurora-cluster/routes.ts'
import type { Control } from '../control.ts'
import type { DbInstanceRecord } from '../db-instance/record.ts'
import { admitThroughRoute } from '../multi-az/route.ts'
import { findCluster } from './record.ts'
import { admitToCluster } from './routes.ts'

/** The rules of the security groups are in force at every gateway that leads to the instance when this resolves. */
export async function admitClients(control: Control, record: DbInstanceRecord): Promise<void> {
  await admitThroughRoute(control, record)
  const aurora = record.aurora && (await findAuroraCluster(control, record.cluster!))
  if (aurora) return admitToAurora(control, aurora.value, record)
  const cluster = record.cluster && (await findCluster(control, record.cluster))
  if (cluster) await admitToCluster(control, cluster.value, record)
}
