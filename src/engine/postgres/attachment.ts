/**
 * An engine on a cluster volume: the settings by which it reads the log from log nodes, and by which its commits wait for
 * the head. Both parts have the same, so that nothing has to be read anew in the moment of a promotion.
 */
import { join } from 'node:path'
import { emptyFolder, makeFolder, namesIn, readText, removeTree, writeFileDurably } from '#host/disk.ts'
import { copyTree } from '#host/tree.ts'
import type { InstanceSpec } from '#wire/agent/messages.ts'
import type { VolumeAttachment } from '#wire/agent/volume.ts'
import { EngineError } from '../engine.ts'
import { IDENTIFIER_SETTING } from './aurora.ts'
import { readControlFile } from './control-file.ts'
import { checkSnapshot } from './fill.ts'
import { attachmentOf, dataOf } from './layout.ts'
import type { Surroundings } from './surroundings.ts'

interface Instance {
  readonly folder: string
  readonly surroundings: Surroundings
}

/**
 * Under which the head reads the writer's log. The same in every epoch: the one of another epoch finds another timeline
 * and goes away, and there is never a moment in which commits wait for nobody.
 */
export const HEAD = 'rds_volume_head'

/** Only where the user's settings say nothing. A log node that is silent is left within seconds. */
export const attachmentDefaults: Readonly<Record<string, string>> = {
  wal_receiver_status_interval: '1s',
  wal_receiver_timeout: '5s',
  wal_sender_timeout: '10s',
}

/** What the volume asks for, whatever the user's settings say. */
export function attachmentSettings({ volume }: Pick<InstanceSpec, 'volume'>): Readonly<Record<string, string>> {
  if (!volume) return {}
  return {
    // Readers and images are made of the log alone, and of what is on disk nothing may be torn.
    full_page_writes: 'on',
    fsync: 'on',
    wal_log_hints: 'on',
    hot_standby: 'on',
    recovery_target_timeline: 'latest',
    wal_retrieve_retry_interval: '100ms',
    // For the head, should it have to begin again; log nodes have slots nowhere.
    wal_keep_size: '1GB',
    synchronous_standby_names: HEAD,
    primary_slot_name: '',
    primary_conninfo: connectionText(volume),
    // Whoever ends as a writer has to ask the volume before it is one again.
    restart_after_crash: 'off',
    [IDENTIFIER_SETTING]: volume.identifier,
  }
}

function connectionText({ id, name, feeds }: VolumeAttachment): string {
  for (const text of [id, name, ...feeds.map(({ host }) => host)])
    if (!/^[A-Za-z0-9_.:-]{1,255}$/.test(text)) throw new EngineError('failed', `'${text}' is no name or address`)
  const connection = {
    host: feeds.map(({ host }) => host).join(','),
    port: feeds.map(({ port }) => port).join(','),
    user: id,
    application_name: name,
    target_session_attrs: 'any',
    sslmode: 'verify-ca',
    // From the data folder, in which the engine runs.
    sslrootcert: '../attachment/ca.pem',
    passfile: '../attachment/password',
    // Of each log node in turn.
    connect_timeout: '2',
    keepalives_idle: '2',
    keepalives_interval: '1',
    keepalives_count: '3',
  }
  return Object.entries(connection)
    .map(([key, value]) => `${key}='${value}'`)
    .join(' ')
}

/** The files that log nodes are reached with, and the file that makes whatever starts here a reader. */
export async function writeAttachmentFiles(
  { folder, surroundings }: Instance,
  volume: VolumeAttachment,
): Promise<void> {
  const own = { mode: 0o600, account: surroundings.account }
  const attachment = attachmentOf(folder)
  await makeFolder(attachment, { mode: 0o700, account: surroundings.account })
  const { caPem, password } = volume.login
  const files: readonly (readonly [string, string])[] = [
    [join(attachment, 'ca.pem'), caPem],
    [join(attachment, 'password'), `*:*:*:*:${password.replaceAll(/[\\:]/g, '\\$&')}\n`],
    [join(dataOf(folder), 'standby.signal'), ''],
  ]
  await Promise.all(files.map(([path, text]) => writeFileDurably(path, text, own)))
}

/** Fills an absent or half-made folder with a copy of an image, which is used as often as one likes. Not durable yet. */
export async function fillFromImage(
  imageFolder: string,
  { folder, surroundings }: Instance,
  { spec, signal }: { readonly spec: InstanceSpec; readonly signal: AbortSignal },
): Promise<void> {
  await checkSnapshot(imageFolder, spec.version)
  await emptyFolder(folder, { mode: 0o700, account: surroundings.account })
  await copyTree(dataOf(imageFolder), dataOf(folder), { account: surroundings.account, signal })
}

/** Of what has no identity nothing is known: whoever starts on it finds out. */
export async function belongs(folder: string, { systemId }: VolumeAttachment): Promise<boolean> {
  const control = systemId === undefined ? undefined : await readControlFile(dataOf(folder))
  return control === undefined || String(control.systemIdentifier) === systemId
}

export const logFolderOf = (folder: string): string => join(dataOf(folder), 'pg_wal')

/** In the place of the history of a timeline that was never written. */
export const RESERVED = '# reserved\n'

/**
 * A promotion goes onto the first timeline that has no history here, so those before the wanted one are given one. An engine
 * that is started with such a file behind the last real history takes it for its own and never becomes a reader: they are
 * not left for that. Those between two real ones are fetched again.
 */
export async function dropReserved(folder: string): Promise<void> {
  for (const name of await namesIn(logFolderOf(folder))) {
    if (!name.endsWith('.history')) continue
    const path = join(logFolderOf(folder), name)
    if (isReserved((await readText(path)) ?? '')) await removeTree(path)
  }
}

/**
 * Of timelines behind this one. What a reader was told of them while it was still applying log before is of no use to a database
 * that does not go on on them: each of its own that has such a number would be taken for that one.
 */
export async function dropHistories(folder: string, behind: number): Promise<void> {
  for (const name of await namesIn(logFolderOf(folder)))
    if (name.endsWith('.history') && Number.parseInt(name, 16) > behind)
      await removeTree(join(logFolderOf(folder), name))
}

const isReserved = (text: string): boolean =>
  text.split('\n').every((line) => line.startsWith('#') || line.trim() === '')
