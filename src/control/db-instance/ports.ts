/**
 * Ports of endpoints. An endpoint keeps its port for life, so the choice is written in the transaction that makes the
 * instance: `port/<n>` → the owner's resource id.
 */
import { InsufficientDBInstanceCapacityFault } from '@aws-sdk/client-rds'
import { NOTHING, together } from '#store/collection.ts'
import type { Mutation } from '#store/collection.ts'
import { fault } from '#wire/aws/faults.ts'
import type { Control, EndpointPorts } from '../control.ts'

const keyOf = (port: number): string => `port/${String(port).padStart(5, '0')}`

/**
 * The wanted port if nobody has it, else the first free one of the pool, and the writes that take it. The caller's
 * transaction fails when another took it first; choosing again is right then.
 */
export async function choosePort(
  control: Control,
  wanted: number,
  owner: string,
): Promise<{ port: number; writes: Mutation }> {
  // Simulated engines listen nowhere: every instance can have the port it asks for.
  if (control.simulated) return { port: wanted, writes: NOTHING }
  const { entries } = await control.store.range('port/')
  const taken = new Set(entries.map((entry) => entry.key))
  const { first, last } = control.ports
  for (const port of candidates(wanted, control.ports)) {
    if (!taken.has(keyOf(port)) && (await control.isPortFree(port))) return { port, writes: takePort(port, owner) }
  }
  throw fault(
    InsufficientDBInstanceCapacityFault,
    `Port ${wanted} is in use, and so are all ports from ${first} to ${last}.`,
  )
}

interface WantedPorts {
  readonly count: number
  /** An endpoint's port, which may be chosen and not taken yet. */
  readonly except: number
  readonly owner: string
}

/** Free ports of the pool that no client is told of, and the writes that take them. */
export async function choosePorts(
  control: Control,
  { count, except, owner }: WantedPorts,
): Promise<{ ports: number[]; writes: Mutation }> {
  if (control.simulated) return { ports: Array.from({ length: count }, () => except), writes: NOTHING }
  const taken = new Set((await control.store.range('port/')).entries.map((entry) => entry.key))
  const { first, last } = control.ports
  const ports: number[] = []
  // From the end: the beginning is for endpoints, whose order people see.
  for (let port = last; port >= first && ports.length < count; port--)
    if (port !== except && !taken.has(keyOf(port)) && (await control.isPortFree(port))) ports.push(port)
  if (ports.length < count)
    throw fault(InsufficientDBInstanceCapacityFault, `There are no ${count} free ports from ${first} to ${last}.`)
  return { ports, writes: together(...ports.map((port) => takePort(port, owner))) }
}

function* candidates(wanted: number, { first, last }: EndpointPorts): Generator<number> {
  yield wanted
  for (let port = first; port <= last; port++) if (port !== wanted) yield port
}

export const takePort = (port: number, owner: string): Mutation => ({
  compares: [{ key: keyOf(port), modRevision: 0 }],
  ops: [{ op: 'put', key: keyOf(port), value: owner }],
})

export const releasePort = (port: number): Mutation => ({ compares: [], ops: [{ op: 'delete', key: keyOf(port) }] })

/** Who has the port: a resource id. */
export async function ownerOfPort(control: Pick<Control, 'store'>, port: number): Promise<string | undefined> {
  return (await control.store.get(keyOf(port)))?.value
}
