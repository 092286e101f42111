/** ModifyGlobalCluster: its name, and whether it may be deleted. */
import type { ModifyGlobalClusterMessage } from '@aws-sdk/client-rds'
import { together } from '#store/collection.ts'
import { transact, type Control, type Scope } from '../control.ts'
import { invalidCombination } from '../db-instance/faults.ts'
import { requireIdentifier } from '../db-instance/identifiers.ts'
import { globalExists } from './faults.ts'
import { refuseSwitching, requireGlobalCluster } from './find.ts'
import { globalClusters, type GlobalClusterRecord } from './record.ts'

type Input = ModifyGlobalClusterMessage & { GlobalClusterIdentifier: string }

export function modifyGlobalCluster(control: Control, scope: Scope, input: Input): Promise<GlobalClusterRecord> {
  const { NewGlobalClusterIdentifier: wanted, EngineVersion } = input
  const id = wanted === undefined ? undefined : requireIdentifier('NewGlobalClusterIdentifier', wanted)
  return transact(control, async () => {
    const held = await requireGlobalCluster(control, scope, input.GlobalClusterIdentifier)
    const global = held.value
    refuseSwitching(global)
    if (EngineVersion !== undefined && EngineVersion !== global.engineVersion)
      throw invalidCombination('The engine version of a global cluster cannot be changed in Holdfast yet.')
    const changed: GlobalClusterRecord = {
      ...global,
      id: id ?? global.id,
      deletionProtection: input.DeletionProtection ?? global.deletionProtection,
    }
    const records = globalClusters(control, scope)
    if (changed.id === global.id) return { mutation: records.update(held, changed), result: changed }
    if (await records.get(changed.id)) throw globalExists(changed.id)
    return { mutation: together(records.remove(held), records.create(changed.id, changed)), result: changed }
  })
}
