/**
 * What a cluster volume begins with: a data folder with the master user, the first database and what belongs to every
 * cluster, stopped in order. It is made aside and then moved, so that a server which an agent left is found.
 */
import { join } from 'node:path'
import { assert } from '#base/assert.ts'
import { makeFolder, readBytes, removeTree, writeFileDurably } from '#host/disk.ts'
import { copyTree, moveTree, syncTree, treeBytes } from '#host/tree.ts'
import type { MasterUser, SnapshotFacts } from '#wire/agent/messages.ts'
import { SEED_LOG } from '#wire/agent/volume.ts'
import type { SeedFacts } from '#wire/agent/volume.ts'
import { segmentStart } from '#wire/pg/lsn.ts'
import { stopLeftServer, withServerAside } from './aside.ts'
import { automaticSettingsOf, teachAurora } from './aurora.ts'
import type { Binaries } from './binaries/binaries.ts'
import { markCancels } from './cancel-marks.ts'
import { giveIdentity, newIdentifier, readControlFile } from './control-file.ts'
import { dropDeadDrafts, newDraft } from './drafts.ts'
import { ensureRole } from './followers.ts'
import { dataOf } from './layout.ts'
import { leaveShortWal } from './short-wal.ts'
import { withSession } from './sql.ts'
import type { Surroundings } from './surroundings.ts'
import { createMaster } from './users.ts'

export interface SeedOrder {
  readonly version: string
  readonly master: MasterUser
  readonly databaseName: string | undefined
  readonly signal: AbortSignal
}

interface Source {
  readonly binaries: Binaries
  /** PGDATA of the version's template. */
  readonly template: string
  readonly surroundings: Surroundings
}

/** Fills `imageFolder`, absent before; durable when this resolves. */
export async function makeSeed(imageFolder: string, order: SeedOrder, source: Source): Promise<SnapshotFacts> {
  const { surroundings, template } = source
  const { account, clock, random, enginesFolder } = surroundings
  const seeds = join(enginesFolder, 'postgres', 'seeds')
  await makeFolder(seeds, { mode: 0o711 })
  await dropDeadDrafts(seeds, (draft) => stopLeftServer(draft, surroundings))
  const draft = newDraft(seeds, order.version, random)
  try {
    await makeFolder(draft, { mode: 0o700, account })
    await copyTree(template, dataOf(draft), { account, signal: order.signal })
    await giveIdentity(dataOf(draft), newIdentifier(clock, random))
    await withServerAside({ draft, ...order, ...source }, () => furnish(draft, order, surroundings))
    await leaveShortWal(dataOf(draft), account)
    order.signal.throwIfAborted()
    await makeFolder(imageFolder, { mode: 0o700, account })
    await moveTree(dataOf(draft), dataOf(imageFolder), { account, signal: order.signal })
    const seed = await layOutLog(imageFolder, surroundings)
    await syncTree(imageFolder)
    return { sizeBytes: await treeBytes(imageFolder), engineVersion: order.version, seed }
  } finally {
    await removeTree(draft)
  }
}

async function furnish(draft: string, order: SeedOrder, surroundings: Surroundings): Promise<void> {
  const instance = { folder: draft, surroundings }
  await withSession(instance, (session) => ensureRole(session, surroundings))
  // Before there is a database of the user's, which is a copy of a template.
  await markCancels(instance)
  const line = await teachAurora(instance)
  await writeFileDurably(automaticSettingsOf(draft), line, { mode: 0o600, account: surroundings.account })
  await createMaster(instance, order.master, order)
  // The record of the shutdown is then the first one of a segment, and the log that the members begin with is short.
  await withSession(instance, ({ query }) => query('SELECT pg_switch_wal()'))
}

/** The log from the segment of the shutdown's checkpoint on, which is what an engine over a copy of the data asks for first. */
async function layOutLog(imageFolder: string, { account }: Surroundings): Promise<SeedFacts> {
  const control = await readControlFile(dataOf(imageFolder))
  assert(control?.shutDown && control.timeline === 1, 'a seed was shut down in order, on its first timeline')
  const start = segmentStart(control.checkpoint)
  const segment = join(dataOf(imageFolder), 'pg_wal', control.checkpointSegment)
  const at = Number(control.checkpoint - start)
  const length = await readBytes(segment, at, 4)
  assert(length?.length === 4, 'the segment has the record of the last checkpoint')
  // Records begin at multiples of 8, and this one lies on the segment's first page.
  const end = at + Math.ceil(length.readUInt32LE(0) / 8) * 8
  assert(end <= FIRST_PAGE_BYTES, 'the record of the shutdown is the first of its segment')
  const log = await readBytes(segment, 0, end)
  assert(log?.length === end, 'the log of a seed is whole')
  await writeFileDurably(join(imageFolder, SEED_LOG), log, { mode: 0o600, account })
  return {
    systemId: String(control.systemIdentifier),
    epoch: control.timeline,
    start: Number(start),
    end: Number(start) + end,
  }
}

const FIRST_PAGE_BYTES = 8_192
