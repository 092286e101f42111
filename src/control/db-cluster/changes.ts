/** What a ModifyDBCluster changes of every member's engine or storage, and the writes that begin with it. */
import type { ModifyDBClusterMessage, ModifyDBInstanceMessage } from '@aws-sdk/client-rds'
import { NOTHING, together, type Mutation } from '#store/collection.ts'
import type { Control } from '../control.ts'
import { decideModification, phaseWhile } from '../db-instance/modify-decision.ts'
import { checkedStorage } from '../db-instance/modify-storage.ts'
import type { DbInstanceRecord } from '../db-instance/record.ts'
import { requireCa, requireClass } from '../db-instance/settings.ts'
import { checkUpgrade } from '../db-instance/upgrade.ts'
import { instanceEvent } from '../flows/context.ts'
import { clusterEvent } from '../flows/db-cluster-context.ts'
import { clusterKeyOf, clusterSubjectOf, windowSubjectOf, type ClusterChanges, type DbClusterRecord } from './record.ts'
import { requireStorageType } from './settings.ts'

export type ChangeName = keyof ClusterChanges

export interface Changes {
  /** All that is to be done, now or in the maintenance window. */
  readonly pending: ClusterChanges
  /** What is begun with now. */
  readonly apply: readonly ChangeName[]
}

/** Throws for what no cluster can be given, or not yet. `writer` stands for all members, which are alike. */
export async function decideChanges(
  control: Control,
  { cluster, writer }: { readonly cluster: DbClusterRecord; readonly writer: DbInstanceRecord },
  asked: ModifyDBClusterMessage,
): Promise<Changes> {
  if (asked.DBClusterInstanceClass !== undefined) requireClass(asked.DBClusterInstanceClass)
  if (asked.StorageType !== undefined) requireStorageType(asked.StorageType)
  if (asked.CACertificateIdentifier !== undefined) await requireCa(control, cluster, asked.CACertificateIdentifier)
  const record = { ...writer, settings: cluster.settings, pending: cluster.pending ?? {} }
  const wanted: ModifyDBInstanceMessage = {
    DBInstanceIdentifier: writer.id,
    DBInstanceClass: asked.DBClusterInstanceClass,
    EngineVersion: asked.EngineVersion === undefined ? undefined : checkUpgrade(control, record, asked),
    AllocatedStorage: asked.AllocatedStorage,
    StorageType: asked.StorageType,
    Iops: asked.Iops,
    CACertificateIdentifier: asked.CACertificateIdentifier,
    ApplyImmediately: asked.ApplyImmediately,
  }
  const storage = await checkedStorage(control, record, wanted)
  const { pending, apply } = decideModification(record, { ...wanted, ...storage }, undefined)
  return { pending, apply: apply as readonly ChangeName[] }
}

export interface StartedChange {
  readonly flowId: string
  /** Of the cluster and its members while the changes are made, for the caller's write of the records. */
  readonly phase: 'modifying' | 'upgrading'
  readonly writes: Mutation
}

/** Writes that start the flow which makes these pending changes. */
export function startChange(
  control: Control,
  cluster: DbClusterRecord,
  { apply, members }: { readonly apply: readonly ChangeName[]; readonly members: readonly DbInstanceRecord[] },
): StartedChange {
  const key = clusterKeyOf(cluster)
  const flow = control.flows.start('change-db-cluster', clusterSubjectOf(key), { key, apply })
  return {
    flowId: flow.id,
    phase: phaseWhile(apply) === 'upgrading' ? 'upgrading' : 'modifying',
    writes: together(
      flow.writes,
      apply.includes('EngineVersion') ? clusterEvent(control, cluster, 'RDS-EVENT-0286') : NOTHING,
      ...members.flatMap((member) => [
        apply.includes('DBInstanceClass') ? instanceEvent(control, member, 'RDS-EVENT-0012') : NOTHING,
        apply.includes('AllocatedStorage') ? instanceEvent(control, member, 'RDS-EVENT-0018') : NOTHING,
      ]),
    ),
  }
}

/** Writes that have what is pending begin when the maintenance window opens. */
export async function changeInWindow(control: Control, cluster: DbClusterRecord): Promise<Mutation> {
  const key = clusterKeyOf(cluster)
  return (await control.flows.supersede('await-window-of-db-cluster', windowSubjectOf(key), { key })).writes
}

/** The settings with these pending changes made. */
export const changedSettings = (
  { settings, pending }: Pick<DbClusterRecord, 'settings' | 'pending'>,
  names: readonly ChangeName[],
): DbClusterRecord['settings'] => ({ ...settings, ...picked(pending, names) })

/** What stays pending without these. */
export const otherChanges = (pending: ClusterChanges | undefined, names: readonly ChangeName[]): ClusterChanges =>
  picked(
    pending,
    namesOf(pending).filter((name) => !names.includes(name)),
  )

export const namesOf = (pending: ClusterChanges | undefined): ChangeName[] => Object.keys(pending ?? {}) as ChangeName[]

const picked = (pending: ClusterChanges | undefined, names: readonly ChangeName[]): ClusterChanges =>
  Object.fromEntries(names.filter((name) => pending?.[name] !== undefined).map((name) => [name, pending![name]]))

/** Whether an engine takes one of them only at a start. */
export const needsRestart = (names: readonly ChangeName[]): boolean =>
  names.includes('DBInstanceClass') || names.includes('EngineVersion')
