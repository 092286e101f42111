import { MIB } from '#base/bytes.ts'
import { renameDurably, statOf } from '#host/disk.ts'

/** A process's log that is longer is put aside when the next one starts. One older log is kept. */
const LOG_BYTES_MAX = 8 * MIB

export async function roomyLog(path: string): Promise<string> {
  const stat = await statOf(path)
  if (stat && stat.sizeBytes > LOG_BYTES_MAX) await renameDurably(path, `${path}.1`)
  return path
}
