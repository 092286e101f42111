/** New data folders: from a version's template, and from a snapshot. */
import { dirname, join } from 'node:path'
import { majorOf } from '#catalog/postgres-versions.ts'
import { emptyFolder, readText, syncPath } from '#host/disk.ts'
import { copyTree, syncTree } from '#host/tree.ts'
import { EngineError } from '../engine.ts'
import { giveIdentity, newIdentifier } from './control-file.ts'
import { dataOf } from './layout.ts'
import type { Spares } from './spares.ts'
import type { Surroundings } from './surroundings.ts'

interface Filling {
  readonly signal: AbortSignal
  readonly surroundings: Surroundings
}

/** Fills `folder`, absent or half-made, with a copy that is a cluster of its own. Not durable yet. */
export async function fillFrom(sourceData: string, folder: string, filling: Filling): Promise<void> {
  const { account } = filling.surroundings
  await emptyFolder(folder, { mode: 0o700, account })
  await copyTree(sourceData, dataOf(folder), { account, signal: filling.signal })
  await giveOwnIdentity(folder, filling)
}

/** The same from a template, of which a spare copy may lie ready. */
export async function fillFromTemplate(
  template: string,
  folder: string,
  { spares, ...filling }: Filling & { readonly spares: Spares },
): Promise<void> {
  const { account } = filling.surroundings
  await emptyFolder(folder, { mode: 0o700, account })
  await spares.around(template, dataOf(folder), async (taken) => {
    if (!taken) await copyTree(template, dataOf(folder), { account, signal: filling.signal })
    await giveOwnIdentity(folder, filling)
  })
}

const giveOwnIdentity = (folder: string, { surroundings: { clock, random } }: Filling): Promise<void> =>
  giveIdentity(dataOf(folder), newIdentifier(clock, random))

/** Throws when a snapshot is of another major version: its files mean something else. */
export async function checkSnapshot(snapshotFolder: string, version: string): Promise<void> {
  const major = (await readText(join(dataOf(snapshotFolder), 'PG_VERSION')))?.trim()
  if (major === undefined) throw new EngineError('failed', 'the snapshot has no data')
  if (Number(major) !== majorOf(version)) {
    throw new EngineError('failed', `the snapshot is of PostgreSQL ${major} and cannot be restored as ${version}`)
  }
}

/**
 * The engine may run already, and files come and go meanwhile. Of a spare, the tables were durable before it was taken;
 * what the engine has done to them since is in its log, as at any other time.
 */
export async function sealFolder(folder: string, isSpare: boolean): Promise<void> {
  await syncTree(folder, { live: true, ...(isSpare && { exclude: (path) => path === join('data', 'base') }) })
  await syncPath(dirname(folder))
}
