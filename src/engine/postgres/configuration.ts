/** The texts of postgresql.conf and pg_hba.conf, and the files of an endpoint's certificate. */
import { join } from 'node:path'
import { majorOf } from '#catalog/postgres-versions.ts'
import { makeFolder, writeFileDurably } from '#host/disk.ts'
import type { InstanceSpec } from '#wire/agent/messages.ts'
import { GATE } from '#wire/postgres/assurance.ts'
import { EngineError } from '../engine.ts'
import { readControlFile } from './control-file.ts'
import { archiveDefaults } from './archive-settings.ts'
import { attachmentDefaults, attachmentSettings, writeAttachmentFiles } from './attachment.ts'
import { dropAllSlots, keepsSlots, SLOTS_DATABASE, slotSettings } from './kept-slots.ts'
import { cancelledOf, dataOf, errorLogOf, logOf, socketsOf, tlsOf } from './layout.ts'
import { adoptEngine } from './engine-process.ts'
import { driverOwnedSettings } from './owned-settings.ts'
import {
  isMadeStandby,
  PEER,
  replicationDefaultsOf,
  replicationSettings,
  withRoomForReplication,
  writePeerFiles,
} from './peer.ts'
import { ADMIN } from './sql.ts'
import type { Surroundings } from './surroundings.ts'

/** Used where the spec says nothing: what initdb writes, and what RDS does with logs. */
const ourDefaults: Readonly<Record<string, string>> = {
  lc_messages: 'C',
  lc_monetary: 'C',
  lc_numeric: 'C',
  lc_time: 'C',
  log_rotation_age: '60min',
  log_rotation_size: '0',
  log_timezone: 'UTC',
  timezone: 'UTC',
}

export async function writeConfiguration(
  folder: string,
  spec: InstanceSpec,
  surroundings: Surroundings,
): Promise<void> {
  const { account } = surroundings
  const own = { mode: 0o600, account }
  for (const path of [tlsOf(folder), logOf(folder), errorLogOf(folder), cancelledOf(folder)])
    await makeFolder(path, { mode: 0o700, account })
  const sockets = await socketsOf(folder, spec.port, account)
  const follows = spec.volume ?? spec.replication?.role === 'standby'
  const upstream = follows ? await readControlFile(dataOf(folder)) : undefined
  const settings = { ...spec, settings: withRoomForReplication(spec, upstream?.upstreamSettings ?? {}) }
  // With the file that makes it a standby it has none of its own any more: a death in between does this once more.
  if (
    spec.replication?.role === 'standby' &&
    !(await isMadeStandby(folder)) &&
    !(await adoptEngine(folder, surroundings))
  )
    await dropAllSlots(folder)
  await writePeerFiles(folder, spec, surroundings)
  if (spec.volume) await writeAttachmentFiles({ folder, surroundings }, spec.volume)
  const files: readonly (readonly [string, string])[] = [
    [join(dataOf(folder), 'postgresql.conf'), configurationText(settings, sockets)],
    [join(dataOf(folder), 'pg_hba.conf'), hbaText({ ...spec, tellsSlots: keepsSlots(spec) })],
    [join(dataOf(folder), 'pg_ident.conf'), ''],
    [join(tlsOf(folder), 'certificate.pem'), `${spec.tls.certificatePem.trimEnd()}\n${spec.tls.caPem}`],
    [join(tlsOf(folder), 'key.pem'), spec.tls.privateKeyPem],
  ]
  await Promise.all(files.map(([path, text]) => writeFileDurably(path, text, own)))
}

/** Throws {@link EngineError} `bad-settings` for a name that cannot be written. */
export function configurationText(spec: InstanceSpec, socketsFolder: string): string {
  const owned: Readonly<Record<string, string>> = {
    listen_addresses: spec.listenAddress,
    port: String(spec.port),
    unix_socket_directories: socketsFolder,
    unix_socket_permissions: '0700',
    ssl: 'on',
    // From the data folder, in which the engine runs, so that a copy of the folder works wherever it lies.
    ssl_cert_file: '../tls/certificate.pem',
    ssl_key_file: '../tls/key.pem',
    logging_collector: 'on',
    log_destination: 'stderr',
    log_directory: '../log/error',
    log_filename: 'postgresql.log.%Y-%m-%d-%H',
    log_file_mode: '0600',
    log_truncate_on_rotation: 'off',
  }
  const asked = Object.entries(spec.settings).filter(([name]) => !driverOwnedSettings.has(name.toLowerCase()))
  const replication = spec.replication && replicationDefaultsOf(majorOf(spec.version))
  const defaults = {
    ...ourDefaults,
    ...crashDefaults(spec),
    ...replication,
    ...archiveDefaults(spec),
    ...(spec.volume && attachmentDefaults),
  }
  const place = replicationSettings(spec.replication, keepsSlots(spec) ? { dbname: SLOTS_DATABASE } : {})
  const all = {
    ...defaults,
    ...Object.fromEntries(asked),
    ...owned,
    ...place,
    ...slotSettings(spec),
    ...attachmentSettings(spec),
  }
  const lines = Object.entries(all).map(settingLine)
  return `# Written by Holdfast before each start and reload: what is changed here is lost.\n${lines.join('')}${INCLUDED}`
}

/**
 * After a crash of one of its processes the engine ends, and is started again by who started it: at a pace, and with what
 * it said. By itself it would try at once for ever, as on a disk that fails, and PostgreSQL 18 was seen to wait for ever
 * for a checkpoint that had died meanwhile. Where control is to decide about the primary, a crash alone is no failover.
 */
const crashDefaults = ({ revivedBy }: InstanceSpec): Readonly<Record<string, string>> =>
  revivedBy === 'control' ? {} : { restart_after_crash: 'off' }

/** Last, so that it has the last word. */
const INCLUDED = "include_if_exists = '../read-only.conf'\n"

function settingLine([name, value]: readonly [string, string]): string {
  if (!/^[A-Za-z_][\w$]*(\.[A-Za-z_][\w$]*)?$/.test(name)) {
    throw new EngineError('bad-settings', `'${name}' is not the name of a setting`)
  }
  if (/[\0\r\n]/.test(value)) throw new EngineError('bad-settings', `the value of ${name} has more than one line`)
  return `${name} = '${value.replaceAll('\\', '\\\\').replaceAll("'", "''")}'\n`
}

/** In the words of the file. */
const EVERYBODY = 'all'

type Admission = Pick<InstanceSpec, 'requireTls' | 'replication' | 'volume' | 'allowedSources'> & {
  /** The standby asks for slots in SQL. */
  readonly tellsSlots?: boolean
}

/**
 * First match wins. Nobody but the driver comes over the socket; `all` leaves out physical replication. A standby that
 * is not readable lets no client in. On a cluster volume the head comes over the socket, to read the log.
 */
export function hbaText({ allowedSources = [EVERYBODY], ...admission }: Admission): string {
  const { requireTls, replication, volume, tellsSlots } = admission
  const isClosed = volume ? !volume.isOpen : replication?.role === 'standby' && !replication.readable
  const sources = isClosed ? [] : allowedSources.map((source) => clientLines(requireBlock(source), requireTls))
  return `local all,replication ${ADMIN} scram-sha-256
${volume ? `local replication ${PEER} scram-sha-256\n` : ''}local all all reject
${tellsSlots && replication?.role === 'primary' ? `hostssl ${SLOTS_DATABASE} ${PEER} all scram-sha-256\n` : ''}host all ${ADMIN},${PEER} all reject
${GATE_LINES}${replication ? `hostssl replication ${PEER} all scram-sha-256\n` : ''}host replication all all reject
${sources.join('')}host all all all reject
`
}

/** From this machine alone. */
const GATE_LINES = `hostssl all ${GATE} 127.0.0.1/32 scram-sha-256
host all ${GATE} all reject
`

const clientLines = (source: string, requireTls: boolean): string =>
  `hostssl all all ${source} scram-sha-256
hostnossl all all ${source} ${requireTls ? 'reject' : 'scram-sha-256'}
`

function requireBlock(source: string): string {
  if (source !== EVERYBODY && !/^[0-9a-f.:]+\/\d{1,3}$/i.test(source)) {
    throw new EngineError('bad-settings', `'${source}' is no block of addresses`)
  }
  return source
}
