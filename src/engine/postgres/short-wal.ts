/** A stopped data folder without log that nobody needs: small to copy and to sync. */
import { join } from 'node:path'
import { assert } from '#base/assert.ts'
import type { Account } from '#host/account.ts'
import { namesIn, overwriteBytes, readBytes, removeTree, writeFileDurably } from '#host/disk.ts'
import { isSegment, readControlFile, SEGMENT_BYTES } from './control-file.ts'

/** What is left is the segment with the last checkpoint, which was that of a shutdown in order. */
export async function leaveShortWal(dataFolder: string, account: Account | undefined): Promise<void> {
  const control = await readControlFile(dataFolder)
  assert(control?.shutDown, 'the server that ran aside was shut down in order')
  const wal = join(dataFolder, 'pg_wal')
  const names = (await namesIn(wal)).filter(isSegment)
  assert(names.includes(control.checkpointSegment), 'the segment of the last checkpoint is there')
  for (const name of names) if (name !== control.checkpointSegment) await removeTree(join(wal, name))
  await makeSparse(join(wal, control.checkpointSegment), account)
}

/** The engine fills segments with zeros; as a hole they need neither be copied nor synced. */
async function makeSparse(segment: string, account: Account | undefined): Promise<void> {
  const bytes = await readBytes(segment, 0, SEGMENT_BYTES)
  assert(bytes?.length === SEGMENT_BYTES, 'a WAL segment has its full size')
  const used = bytes.findLastIndex((byte) => byte !== 0) + 1
  await writeFileDurably(segment, bytes.subarray(0, used), { mode: 0o600, account })
  await overwriteBytes(segment, SEGMENT_BYTES - 1, Buffer.alloc(1))
}
