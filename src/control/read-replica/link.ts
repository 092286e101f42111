/** The way of a replica to a source in another region, where regions are to be far apart. */
import { NOTHING, together, type Held, type Mutation } from '#store/collection.ts'
import type { Control } from '../control.ts'
import { choosePorts, releasePort } from '../db-instance/ports.ts'
import {
  dbInstances,
  keyOf,
  parametersSubjectOf,
  type DbInstanceRecord,
  type ReplicaOf,
} from '../db-instance/record.ts'

interface Linked {
  readonly replica: ReplicaOf
  /** A port for the way, or that of one which is needed no more. */
  readonly writes: Mutation
}

/** As it is to be now; undefined: as it is. */
export async function linked(control: Control, record: DbInstanceRecord): Promise<Linked | undefined> {
  const { replica, port, resourceId } = record
  if (!replica) return undefined
  const { link, ...without } = replica
  const delayMs = replica.source.region === record.region ? 0 : control.regionLatencyMs
  if (delayMs === (link?.delayMs ?? 0)) return undefined
  if (delayMs === 0) return { replica: without, writes: releaseLink(record) }
  if (link) return { replica: { ...replica, link: { port: link.port, delayMs } }, writes: NOTHING }
  const { ports, writes } = await choosePorts(control, { count: 1, except: port, owner: resourceId })
  return { replica: { ...replica, link: { port: ports[0]!, delayMs } }, writes }
}

/** Brings a replica that serves another way, and has its engine told so. Undefined: it has the one that it is to have. */
export async function relink(control: Control, held: Held<DbInstanceRecord>): Promise<Mutation | undefined> {
  const changed = await linked(control, held.value)
  if (!changed) return undefined
  const key = keyOf(held.value)
  const input = { key, at: control.clock.now() }
  return together(
    dbInstances(control, key).update(held, { ...held.value, replica: changed.replica }),
    changed.writes,
    (await control.flows.supersede('apply-db-parameters', parametersSubjectOf(key), input)).writes,
  )
}

/** Of one that is a replica no more. */
export const releaseLink = ({ replica }: Pick<DbInstanceRecord, 'replica'>): Mutation =>
  replica?.link ? releasePort(replica.link.port) : NOTHING
