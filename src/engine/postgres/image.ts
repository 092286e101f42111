/**
 * A later image of a cluster volume: a copy of an earlier one, to which an engine that serves nobody applies the log up to a
 * position; there it ends by itself, in order. The copy is made aside, and the earlier image stays as it is. Another volume
 * may begin with such a copy as well, under an identity of its own.
 */
// PostgreSQL 18 manual, 19.5.6 (recovery target), recovery_target_action.
import { join } from 'node:path'
import { makeFolder, readText, removeTree } from '#host/disk.ts'
import { spawnDetached } from '#host/process.ts'
import { copyTree, moveTree, syncTree, treeBytes } from '#host/tree.ts'
import type { SnapshotFacts } from '#wire/agent/messages.ts'
import { lsnText, segmentStart } from '#wire/pg/lsn.ts'
import { EngineError } from '../engine.ts'
import { FAILURE_TEXT_CHARS_MAX, IMAGE_LOOK_MS, TEMPLATE_STOP_MS_MAX } from '../limits.ts'
import type { ImageOrder } from '../volume-engine.ts'
import { asideSettings, ENV, stopLeftServer } from './aside.ts'
import {
  attachmentDefaults,
  attachmentSettings,
  dropHistories,
  dropReserved,
  writeAttachmentFiles,
} from './attachment.ts'
import type { Binaries } from './binaries/binaries.ts'
import { giveIdentity, newIdentifier, readControlFile, type ControlFacts } from './control-file.ts'
import { dropDeadDrafts, newDraft } from './drafts.ts'
import { PostgresProcess, stopEngine } from './engine-process.ts'
import { checkSnapshot } from './fill.ts'
import { dataOf, logOf, startLogOf } from './layout.ts'
import { obstacleIn } from './obstacle.ts'
import type { Surroundings } from './surroundings.ts'

interface Source {
  readonly binaries: Binaries
  readonly surroundings: Surroundings
}

/** Fills `imageFolder`, absent before; durable when this resolves. */
export async function makeImage(
  imageFolder: string,
  order: ImageOrder,
  { binaries, surroundings }: Source,
  signal: AbortSignal,
): Promise<SnapshotFacts> {
  const { account, enginesFolder, random } = surroundings
  const images = join(enginesFolder, 'postgres', 'images')
  await makeFolder(images, { mode: 0o711 })
  await dropDeadDrafts(images, (draft) => stopLeftServer(draft, surroundings))
  await checkSnapshot(order.from, order.version)
  const draft = newDraft(images, order.version, random)
  try {
    const control = await bringTo(draft, order, { binaries, surroundings }, signal)
    await makeFolder(imageFolder, { mode: 0o700, account })
    await moveTree(dataOf(draft), dataOf(imageFolder), { account, signal })
    await syncTree(imageFolder)
    const image = {
      systemId: String(control.systemIdentifier),
      epoch: control.timeline,
      from: Number(segmentStart(control.redo)),
    }
    return { sizeBytes: await treeBytes(imageFolder), engineVersion: order.version, image }
  } finally {
    await removeTree(draft)
  }
}

/**
 * Fills `folder`, absent before, with what the volume has up to the checkpoint at `until`, as a database of its own that has
 * not been started yet. Not durable. Throws where what is at `until` is no checkpoint: its writer is over, and it was lost.
 */
export async function branchOff(folder: string, order: ImageOrder, source: Source, signal: AbortSignal): Promise<void> {
  const { clock, random } = source.surroundings
  await checkSnapshot(order.from, order.version)
  const control = await bringTo(folder, order, source, signal)
  // Only there nothing has to be applied again that lies on the other side of a switch of timelines.
  if (control.checkpoint !== BigInt(order.until))
    throw new EngineError('failed', `there is no checkpoint at ${lsnText(BigInt(order.until))} any more`)
  await removeTree(join(dataOf(folder), 'standby.signal'))
  await dropHistories(folder, control.timeline)
  // The log behind the checkpoint goes with it, and is that of this database from here on.
  await giveIdentity(dataOf(folder), newIdentifier(clock, random))
}

/** Fills `folder`, absent before, with the image of the order and the log up to where it says. */
async function bringTo(folder: string, order: ImageOrder, source: Source, signal: AbortSignal): Promise<ControlFacts> {
  const { surroundings } = source
  const { account } = surroundings
  await makeFolder(folder, { mode: 0o700, account })
  await copyTree(dataOf(order.from), dataOf(folder), { account, signal })
  await writeAttachmentFiles({ folder, surroundings }, order.volume)
  await dropReserved(folder)
  return applyLog(folder, order, source, signal)
}

/** What the engine left when it ended in order at the position that was asked for. */
async function applyLog(
  draft: string,
  { version, volume, until }: ImageOrder,
  { binaries, surroundings }: Source,
  signal: AbortSignal,
): Promise<ControlFacts> {
  const { account, clock } = surroundings
  await makeFolder(logOf(draft), { mode: 0o700, account })
  const settings = {
    ...attachmentDefaults,
    ...attachmentSettings({ volume }),
    ...(await asideSettings(draft, account)),
    // It asks for no more room than it needs, whatever the writer has: nobody reads here.
    hot_standby: 'off',
    shared_buffers: '64MB',
    // What lies in an image is copied with it.
    wal_recycle: 'off',
    logging_collector: 'off',
    recovery_target_lsn: lsnText(BigInt(until)),
    recovery_target_inclusive: 'on',
    recovery_target_action: 'shutdown',
  }
  const args = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  signal.throwIfAborted()
  const engine = new PostgresProcess(
    await spawnDetached(binaries.postgres, ['-D', dataOf(draft), ...args], {
      cwd: draft,
      env: ENV,
      account,
      outputPath: startLogOf(draft),
    }),
  )
  let hasEnded = false
  void engine.exited.then(() => (hasEnded = true))
  try {
    while (!hasEnded) {
      await clock.sleep(IMAGE_LOOK_MS, signal)
      const obstacle = obstacleIn(await wordsOf(draft))
      if (obstacle) throw new EngineError('failed', `the image cannot follow the log: ${obstacle}`)
    }
  } finally {
    if (!hasEnded) await stopEngine(engine, 'immediate', { ms: TEMPLATE_STOP_MS_MAX, surroundings })
  }
  const control = await readControlFile(dataOf(draft))
  if (control?.isStoppedStandby) return control
  const words = (await wordsOf(draft)).slice(-FAILURE_TEXT_CHARS_MAX)
  throw new EngineError('failed', `PostgreSQL ${version} did not apply the log to ${lsnText(BigInt(until))}: ${words}`)
}

const wordsOf = async (draft: string): Promise<string> => (await readText(startLogOf(draft))) ?? ''
