/**
 * The log nodes of this deployment: one a zone, for the volumes of every account. What is kept of one is what others must
 * find unchanged: its ports, and the certificate that says who it is.
 */
import { assert } from '#base/assert.ts'
import { Collection, NOTHING, together, type Mutation } from '#store/collection.ts'
import { logNodeName } from '#wire/quorum/identity.ts'
import type { LogNodeTerms } from '#wire/lognode/messages.ts'
import type { FeedAddress } from '#wire/agent/volume.ts'
import type { Control } from '../control.ts'
import { choosePorts } from '../db-instance/ports.ts'
import type { EndpointCertificate } from '../db-instance/record.ts'
import { LOOPBACK } from '../db-instance/engine-address.ts'
import { tlsOf } from '../db-instance/tls.ts'
import { issuePeerCertificate } from './peer-certificate.ts'
import type { Door } from './terms.ts'

export interface LogNodeRecord {
  readonly zone: string
  /** Where heads and other log nodes come in. */
  readonly doorPort: number
  /** Where readers come in. */
  readonly feedPort: number
  /** The key is sealed under the log node's name. */
  readonly certificate: EndpointCertificate
}

const logNodes = (control: Pick<Control, 'store'>): Collection<LogNodeRecord> =>
  new Collection(control.store, 'log-node/')

/** Its name, which is also what its key is sealed for. */
const nodeOf = (zone: string): string => zone

/** Ports of a log node. */
const PORTS = 2

/** Writes that make the records of log nodes that have none yet; a later call finds those of an earlier one. */
export async function newLogNodes(control: Control, zones: readonly string[]): Promise<Mutation> {
  const known = await Promise.all(zones.map((zone) => logNodes(control).get(zone)))
  const missing = zones.filter((_, i) => !known[i])
  if (missing.length === 0) return NOTHING
  const wanted = { count: PORTS * missing.length, except: 0, owner: 'log-nodes' }
  const { ports, writes } = await choosePorts(control, wanted)
  const records = await Promise.all(
    missing.map(async (zone, i): Promise<LogNodeRecord> => {
      const [doorPort, feedPort] = ports.slice(PORTS * i, PORTS * (i + 1))
      return {
        zone,
        doorPort: doorPort!,
        feedPort: feedPort!,
        certificate: await issuePeerCertificate(control, logNodeName(nodeOf(zone))),
      }
    }),
  )
  return together(writes, ...records.map((record) => logNodes(control).create(record.zone, record)))
}

export async function requireLogNodes(
  control: Pick<Control, 'store'>,
  zones: readonly string[],
): Promise<LogNodeRecord[]> {
  const found = await Promise.all(zones.map((zone) => logNodes(control).get(zone)))
  return found.map((held) => {
    assert(held, 'log nodes are known before anything is put on them')
    return held.value
  })
}

/** The zone's log node with another certificate, and the writes by which that is its record. */
export async function renewedLogNode(
  control: Control,
  zone: string,
): Promise<{ readonly record: LogNodeRecord; readonly writes: Mutation }> {
  const held = await logNodes(control).get(zone)
  assert(held, 'a log node that is renewed is known')
  const record = { ...held.value, certificate: await issuePeerCertificate(control, logNodeName(nodeOf(zone))) }
  return { record, writes: logNodes(control).update(held, record) }
}

/** How others reach it: all of them are on this machine. */
export const termsOf = (
  control: Pick<Control, 'vault'>,
  { zone, doorPort, feedPort, certificate }: LogNodeRecord,
): LogNodeTerms => ({
  node: nodeOf(zone),
  door: { host: LOOPBACK, port: doorPort },
  feed: { host: LOOPBACK, port: feedPort },
  certificate: tlsOf(control, { resourceId: logNodeName(nodeOf(zone)) }, certificate),
})

/** By which feeds of a volume let its engines in. */
export const feedPassword = ({ vault }: Pick<Control, 'vault'>, volumeId: string): string =>
  vault.derive(`feed/${volumeId}`).toString('hex')

/** Where the engines of a zone read the log: from the nearest log node first. */
export const feedsFor = (zone: string, nodes: readonly LogNodeRecord[]): FeedAddress[] =>
  nodes
    .toSorted((a, b) => Number(b.zone === zone) - Number(a.zone === zone))
    .map(({ feedPort }) => ({ host: LOOPBACK, port: feedPort }))

export const doorsOf = (nodes: readonly LogNodeRecord[]): Door[] =>
  nodes.map(({ zone, doorPort }) => ({ zone, node: nodeOf(zone), door: { host: LOOPBACK, port: doorPort } }))
