/**
 * Folders that are filled aside and then renamed into place, shared by the agents of a machine. A draft names the
 * process that fills it, so that what a killed one left can be told from what another is busy with.
 */
import { join } from 'node:path'
import { codeOf, namesIn, removeTree, renameDurably } from '#host/disk.ts'
import { processOf } from '#host/process.ts'
import type { Random } from '#host/random.ts'

/** A path in `folder` that nobody else uses. Whoever asks removes it, and what he put beside it under the same start. */
export function newDraft(folder: string, name: string, random: Random): string {
  return join(folder, `.${name}-${process.pid}-${random.bytes(4).toString('hex')}`)
}

/** Removes the drafts of processes that are gone, after `release` has ended whatever still works in one. */
export async function dropDeadDrafts(
  folder: string,
  release: (draft: string) => Promise<void> = async () => {},
): Promise<void> {
  for (const name of await namesIn(folder)) {
    const pid = /^\..+-(\d+)-[0-9a-f]{8}(\.download)?$/.exec(name)?.[1]
    if (pid === undefined || processOf(Number(pid))) continue
    await release(join(folder, name))
    await removeTree(join(folder, name))
  }
}

/** Another agent may have been faster; what it made is as good, and stays. The draft is durable already. */
export async function putInPlace(draft: string, folder: string): Promise<void> {
  try {
    await renameDurably(draft, folder)
  } catch (error) {
    if (codeOf(error) !== 'ENOTEMPTY' && codeOf(error) !== 'EEXIST') throw error
  }
}
