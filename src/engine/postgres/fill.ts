/** New data folders: from a version's template, and from a snapshot. */
import { dirname, join } from 'node:path'
import { majorOf } from '#catalog/postgres-versions.ts'
import { makeFolder, readText, removeTree, syncPath } from '#host/disk.ts'
import { copyTree, syncTree } from '#host/tree.ts'
import { EngineError } from '../engine.ts'
import { giveIdentity, newIdentifier } from './control-file.ts'
import { dataOf } from './layout.ts'
import type { Surroundings } from './surroundings.ts'

/** Fills `folder`, absent or half-made, with a copy that is a cluster of its own. Not durable yet. */
export async function fillFrom(
  sourceData: string,
  folder: string,
  { signal, surroundings }: { readonly signal: AbortSignal; readonly surroundings: Surroundings },
): Promise<void> {
  const { account, clock, random } = surroundings
  await removeTree(folder)
  await makeFolder(folder, { mode: 0o700, account })
  await copyTree(sourceData, dataOf(folder), { account, signal })
  await giveIdentity(dataOf(folder), newIdentifier(clock, random))
}

/** Throws when a snapshot is of another major version: its files mean something else. */
export async function checkSnapshot(snapshotFolder: string, version: string): Promise<void> {
  const major = (await readText(join(dataOf(snapshotFolder), 'PG_VERSION')))?.trim()
  if (major === undefined) throw new EngineError('failed', 'the snapshot has no data')
  if (Number(major) !== majorOf(version)) {
    throw new EngineError('failed', `the snapshot is of PostgreSQL ${major} and cannot be restored as ${version}`)
  }
}

/** The engine may run already, and files come and go meanwhile. */
export async function sealFolder(folder: string): Promise<void> {
  await syncTree(folder, { live: true })
  await syncPath(dirname(folder))
}
