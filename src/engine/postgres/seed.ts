/**
 * What a cluster volume begins with: a data folder with the master user and what belongs to every cluster, stopped in
 * order. It is empty but for the first database, or what another database was. It is made aside and then moved, so that a
 * server which an agent left is found.
 */
import { join } from 'node:path'
import { assert } from '#base/assert.ts'
import { makeFolder, readBytes, readText, removeTree, writeFileDurably } from '#host/disk.ts'
import { copyTree, moveTree, syncTree, treeBytes } from '#host/tree.ts'
import type { SnapshotFacts } from '#wire/agent/messages.ts'
import { SEED_HISTORY, SEED_LOG } from '#wire/agent/volume.ts'
import type { SeedFacts } from '#wire/agent/volume.ts'
import { SEGMENT_BYTES, historyName, lsnText, segmentStart } from '#wire/pg/lsn.ts'
import { RecordScanner } from '#wire/pg/record-scanner.ts'
import { EngineError } from '../engine.ts'
import type { SeedOrder } from '../volume-engine.ts'
import { stopLeftServer, withServerAside } from './aside.ts'
import { dropReserved, logFolderOf } from './attachment.ts'
import { automaticSettingsOf, teachAurora } from './aurora.ts'
import type { Binaries } from './binaries/binaries.ts'
import { markCancels } from './cancel-marks.ts'
import { giveIdentity, newIdentifier, readControlFile } from './control-file.ts'
import { dropDeadDrafts, newDraft } from './drafts.ts'
import { ensureRole } from './followers.ts'
import { dataOf } from './layout.ts'
import { leaveShortWal } from './short-wal.ts'
import { ADMIN, withSession } from './sql.ts'
import type { Surroundings } from './surroundings.ts'
import { createMaster, setMasterPassword } from './users.ts'

interface Source {
  readonly binaries: Binaries
  /** PGDATA of the version's template. */
  readonly template: string
  readonly surroundings: Surroundings
}

/** Fills `imageFolder`, absent before; durable when this resolves. */
export async function makeSeed(
  imageFolder: string,
  order: SeedOrder & { readonly signal: AbortSignal },
  source: Source,
): Promise<SnapshotFacts> {
  const { surroundings } = source
  const { account, random, enginesFolder } = surroundings
  const seeds = join(enginesFolder, 'postgres', 'seeds')
  await makeFolder(seeds, { mode: 0o711 })
  await dropDeadDrafts(seeds, (draft) => stopLeftServer(draft, surroundings))
  const draft = newDraft(seeds, order.version, random)
  try {
    const settings = await (order.fill ? fillAgain : fillAnew)(draft, order, source)
    order.signal.throwIfAborted()
    await withServerAside({ draft, ...order, ...source, settings }, () => furnish(draft, order, surroundings))
    await leaveShortWal(dataOf(draft), account)
    order.signal.throwIfAborted()
    await makeFolder(imageFolder, { mode: 0o700, account })
    await moveTree(dataOf(draft), dataOf(imageFolder), { account, signal: order.signal })
    const seed = await layOutLog(imageFolder, surroundings)
    await syncTree(imageFolder)
    const [start, end] = [seed.start, seed.end].map((position) => lsnText(BigInt(position)))
    const log = { timeline: seed.epoch, start: start!, end: end!, endedAt: surroundings.clock.now() }
    return { sizeBytes: await treeBytes(imageFolder), engineVersion: order.version, log, seed }
  } finally {
    await removeTree(draft)
  }
}

type Ordered = Parameters<typeof makeSeed>[1]

/** Fills the absent draft. Gives what its server is to be started with. */
type Fill = (draft: string, order: Ordered, source: Source) => Promise<Record<string, string>>

const fillAnew: Fill = async (draft, { signal }, { template, surroundings }) => {
  const { account, clock, random } = surroundings
  await makeFolder(draft, { mode: 0o700, account })
  await copyTree(template, dataOf(draft), { account, signal })
  await giveIdentity(dataOf(draft), newIdentifier(clock, random))
  return {}
}

/** The folder comes with the configuration of the instance that it was copied from, by which nobody could reach it here. */
const fillAgain: Fill = async (draft, { fill }, { surroundings: { account } }) => {
  await fill!(draft)
  const own = { mode: 0o600, account }
  await writeFileDurably(join(dataOf(draft), 'postgresql.conf'), '', own)
  const admission = `local all ${ADMIN} scram-sha-256\nlocal all all reject\nhost all all all reject\n`
  await writeFileDurably(join(dataOf(draft), 'pg_hba.conf'), admission, own)
  await writeFileDurably(join(dataOf(draft), 'pg_ident.conf'), '', own)
  await dropReserved(draft)
  const before = (await readControlFile(dataOf(draft)))?.upstreamSettings['max_prepared_transactions'] ?? 0
  // The parameter may have been raised behind the copy; an engine that allows less than there are does not come up.
  return { max_prepared_transactions: String(Math.max(before, PREPARED_TRANSACTIONS_MIN)) }
}

/** Room for prepared transactions, a kilobyte each. */
const PREPARED_TRANSACTIONS_MIN = 2_000

/** Longer than the checkpoint of whatever a server aside has in its buffers. */
const CHECKPOINT_MS_MAX = 600_000

async function furnish(draft: string, order: Ordered, surroundings: Surroundings): Promise<void> {
  const instance = { folder: draft, surroundings }
  await withSession(instance, (session) => ensureRole(session, surroundings))
  // Before there is a database of the user's, which is a copy of a template.
  await markCancels(instance)
  const line = await teachAurora(instance)
  // Takes the place of what a recovery was told, which holds for one start.
  await writeFileDurably(automaticSettingsOf(draft), line, { mode: 0o600, account: surroundings.account })
  if (order.fill) await setMasterPassword(instance, order.master)
  else await createMaster(instance, order.master, order)
  await withSession(
    instance,
    async ({ query }) => {
      // A server that has much to write at its end would be killed before it has.
      if (order.fill) await query('CHECKPOINT')
      // The record of the shutdown is then the first one of a segment, and the log that the members begin with is short.
      await query('SELECT pg_switch_wal()')
    },
    { statementMs: CHECKPOINT_MS_MAX },
  )
}

/** The log from the segment of the shutdown's checkpoint on, which is what an engine over a copy of the data asks for first. */
async function layOutLog(imageFolder: string, { account }: Surroundings): Promise<SeedFacts> {
  const control = await readControlFile(dataOf(imageFolder))
  assert(control?.shutDown, 'a seed was shut down in order')
  const { checkpoint } = control
  const start = segmentStart(checkpoint)
  const segment = await readBytes(join(dataOf(imageFolder), 'pg_wal', control.checkpointSegment), 0, SEGMENT_BYTES)
  assert(segment?.length === SEGMENT_BYTES, 'the segment of the last checkpoint is whole')
  const end = endOfRecord(segment, { start, record: checkpoint })
  await writeFileDurably(join(imageFolder, SEED_LOG), segment.subarray(0, end - Number(start)), {
    mode: 0o600,
    account,
  })
  const { timeline } = control
  const history = timeline > 1 ? await readText(join(logFolderOf(imageFolder), historyName(timeline))) : undefined
  if (history !== undefined) await writeFileDurably(join(imageFolder, SEED_HISTORY), history, { mode: 0o600, account })
  return { systemId: String(control.systemIdentifier), epoch: timeline, start: Number(start), end }
}

/** Where the log goes on behind a record of the segment. Nothing follows the record of a shutdown. */
function endOfRecord(segment: Buffer, { start, record }: { readonly start: bigint; readonly record: bigint }): number {
  const scanner = new RecordScanner(Number(start))
  const at = Number(record - start)
  scanner.feed(segment.subarray(0, at))
  for (let next = at; next < segment.length; next += RECORD_STEP_BYTES) {
    scanner.feed(segment.subarray(next, next + RECORD_STEP_BYTES))
    const end = scanner.lastBoundary
    if (end !== undefined && end > Number(record)) return end
  }
  throw new EngineError('failed', 'the record of the shutdown does not end in its segment')
}

/** Records begin at multiples of this. */
const RECORD_STEP_BYTES = 8
