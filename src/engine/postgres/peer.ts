/** How engines of one database reach each other: the role, the files and the settings of streaming replication. */
import { createHmac } from 'node:crypto'
import { join } from 'node:path'
import { exists, makeFolder, writeFileDurably } from '#host/disk.ts'
import type { InstanceSpec } from '#wire/agent/messages.ts'
import type { Replication } from '#wire/agent/replication.ts'
import { EngineError } from '../engine.ts'
import { dataOf, peerOf } from './layout.ts'
import type { Surroundings } from './surroundings.ts'

/** The role as which standbys stream. It can log in for nothing else (configuration.ts). */
export const PEER = 'rdsrepladmin'

/** The same on every host of a state folder, so that a promoted standby lets in whoever followed its source. */
export const peerPassword = ({ adminPassword }: Surroundings): string =>
  createHmac('sha256', adminPassword).update(PEER).digest('hex')

/** The slot that keeps the log which a follower still needs. */
export const SLOT_PREFIX = 'holdfast_'
export const slotOf = (follower: string): string => SLOT_PREFIX + follower

/** Only where the user's settings say nothing. A peer that is silent is noticed within seconds, not a minute. */
export const replicationDefaultsOf = (major: number): Readonly<Record<string, string>> => ({
  wal_receiver_timeout: '10s',
  wal_sender_timeout: '10s',
  wal_receiver_status_interval: '1s',
  wal_retrieve_retry_interval: '500ms',
  // A standby that is away does not fill the disk of its source: beyond this it is made anew.
  ...(major >= 13 && { max_slot_wal_keep_size: '4GB' }),
})

/** What the engine's part in replication asks for, whatever the user's settings say. */
export function replicationSettings(
  replication: Replication | undefined,
  more: { readonly dbname?: string } = {},
): Readonly<Record<string, string>> {
  if (!replication) return {}
  for (const name of namesIn(replication))
    if (!/^[a-z0-9_]{1,40}$/.test(name)) throw new EngineError('failed', `'${name}' is no name for a follower`)
  const always = { hot_standby: 'on', recovery_target_timeline: 'latest' }
  if (replication.role === 'primary') {
    const names = replication.synchronous.map((name) => `"${name}"`).join(', ')
    return { ...always, synchronous_standby_names: names === '' ? '' : `ANY 1 (${names})` }
  }
  const { name, source } = replication
  const { host, port } = source.link ? { host: LINK_HOST, port: source.link.port } : source
  const connection = {
    host,
    port: String(port),
    user: PEER,
    application_name: name,
    sslmode: 'verify-ca',
    // From the data folder, in which the engine runs.
    sslrootcert: '../peer/source-ca.pem',
    passfile: '../peer/password',
    connect_timeout: String(CONNECT_S_MAX + Math.ceil(((source.link?.delayMs ?? 0) * CONNECT_TRIPS) / 1_000)),
    keepalives_idle: '5',
    keepalives_interval: '2',
    keepalives_count: '3',
    ...more,
  }
  const text = Object.entries(connection).map(([key, value]) => `${key}='${value}'`)
  return { ...always, primary_conninfo: text.join(' '), primary_slot_name: slotOf(name), synchronous_standby_names: '' }
}

/** A way to a distant source is the agent's, and for this host alone. */
const LINK_HOST = '127.0.0.1'

/** What a connection may take, and how often it goes from one side to the other before it is there: TLS, SCRAM. */
const CONNECT_S_MAX = 5
const CONNECT_TRIPS = 20

const namesIn = (replication: Replication): readonly string[] => [
  ...replication.followers,
  ...(replication.role === 'primary' ? replication.synchronous : [replication.name]),
]

/** Senders and slots that replication and snapshots may need at once. */
const SENDERS_MIN = 10

/**
 * The settings of the spec, raised where replication would not work: senders and slots, the level of the log, and on a
 * standby what its upstream runs with, without which it does not start.
 */
export function withRoomForReplication(
  { settings, replication, volume }: InstanceSpec,
  upstream: Readonly<Record<string, number>>,
): Readonly<Record<string, string>> {
  if (!replication && !volume) return settings
  const raised: Record<string, string> = { ...settings }
  const floors = { max_wal_senders: SENDERS_MIN, max_replication_slots: SENDERS_MIN }
  for (const [name, least] of [...Object.entries(floors), ...Object.entries(upstream)]) {
    const asked = Number(raised[name] ?? 0)
    if (asked < least) raised[name] = String(least)
  }
  if (raised['wal_level'] === 'minimal') raised['wal_level'] = 'replica'
  return raised
}

const standbyFileOf = (folder: string): string => join(dataOf(folder), 'standby.signal')

export const isMadeStandby = (folder: string): Promise<boolean> => exists(standbyFileOf(folder))

/** The files that a standby reaches its source with, and the file that makes it one. */
export async function writePeerFiles(folder: string, spec: InstanceSpec, surroundings: Surroundings): Promise<void> {
  if (spec.replication?.role !== 'standby') return
  const own = { mode: 0o600, account: surroundings.account }
  const peer = peerOf(folder)
  await makeFolder(peer, { mode: 0o700, account: surroundings.account })
  await writeFileDurably(join(peer, 'source-ca.pem'), spec.replication.source.caPem, own)
  await writeFileDurably(join(peer, 'password'), `*:*:*:${PEER}:${peerPassword(surroundings)}\n`, own)
  await writeFileDurably(standbyFileOf(folder), '', own)
}
