/** Log files as RDS names them: `error/postgresql.log.2026-11-20-14`, one an hour, in UTC. */
import { join } from 'node:path'
import { namesIn, readBytes, removeTree, statOf } from '#host/disk.ts'
import type { LogFile } from '#wire/agent/messages.ts'
import { LAST_WORDS_BYTES_MAX, LOG_KEPT_MS } from '../limits.ts'
import { errorLogOf, startLogOf } from './layout.ts'
import type { Surroundings } from './surroundings.ts'

const FOLDER = 'error/'

export async function listLogs(folder: string): Promise<LogFile[]> {
  const logs: LogFile[] = []
  for (const name of await namesIn(errorLogOf(folder))) {
    const stat = await statOf(join(errorLogOf(folder), name))
    if (stat && isLogName(name)) {
      logs.push({ name: FOLDER + name, sizeBytes: stat.sizeBytes, writtenAt: Math.floor(stat.writtenAt) })
    }
  }
  return logs
}

/** Removes what RDS would no longer have. */
export async function dropOldLogs(folder: string, { clock }: Surroundings): Promise<void> {
  for (const { name, writtenAt } of await listLogs(folder)) {
    if (writtenAt < clock.now() - LOG_KEPT_MS) await removeTree(pathOf(folder, name)!)
  }
}

/** Undefined when there is no such file. Whole lines only; a line longer than `bytesMax` comes in pieces. */
export async function readLogPart(
  folder: string,
  name: string,
  part: { readonly offset: number; readonly bytesMax: number },
): Promise<{ text: string; nextOffset: number; sizeBytes: number } | undefined> {
  const path = pathOf(folder, name)
  const stat = path === undefined ? undefined : await statOf(path)
  if (path === undefined || !stat) return undefined
  const bytes = await readBytes(path, part.offset, part.bytesMax)
  if (!bytes) return undefined
  const lineEnd = bytes.lastIndexOf(0x0a) + 1
  // What follows the last line end is still being written, unless it fills the portion.
  const length = lineEnd > 0 || bytes.length < part.bytesMax ? lineEnd : wholeCharacters(bytes)
  const text = bytes.subarray(0, length).toString('utf8')
  return { text, nextOffset: part.offset + length, sizeBytes: stat.sizeBytes }
}

/** The last that the collector has written. */
export async function lastWords(folder: string): Promise<string> {
  const newest = (await listLogs(folder)).toSorted((a, b) => (a.name < b.name ? -1 : 1)).at(-1)
  if (!newest) return ''
  const from = Math.max(0, newest.sizeBytes - LAST_WORDS_BYTES_MAX)
  return (await readBytes(pathOf(folder, newest.name)!, from, LAST_WORDS_BYTES_MAX))?.toString('utf8') ?? ''
}

/** Where the logs end now, to find later what has been added. */
export async function logMark(folder: string): Promise<ReadonlyMap<string, number>> {
  return new Map((await listLogs(folder)).map(({ name, sizeBytes }) => [name, sizeBytes]))
}

/** The last that was written since the mark, before and after the collector took over. */
export async function wordsSince(folder: string, mark: ReadonlyMap<string, number>): Promise<string> {
  const parts = [await readBytes(startLogOf(folder), 0, LAST_WORDS_BYTES_MAX)]
  for (const { name, sizeBytes } of await listLogs(folder)) {
    const from = Math.max(mark.get(name) ?? 0, sizeBytes - LAST_WORDS_BYTES_MAX)
    if (sizeBytes > from) parts.push(await readBytes(pathOf(folder, name)!, from, sizeBytes - from))
  }
  return parts.map((part) => part?.toString('utf8') ?? '').join('')
}

/** Length of `bytes` without a character that is cut off at the end. */
function wholeCharacters(bytes: Buffer): number {
  let start = bytes.length - 1
  while (start > 0 && bytes.length - start < 4 && (bytes[start]! & 0xc0) === 0x80) start--
  const lead = bytes[start] ?? 0
  const needed = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1
  return start + needed > bytes.length && start > 0 ? start : bytes.length
}

/** Names come from users and must never lead out of the folder. */
function pathOf(folder: string, name: string): string | undefined {
  const file = name.startsWith(FOLDER) ? name.slice(FOLDER.length) : ''
  return isLogName(file) ? join(errorLogOf(folder), file) : undefined
}

function isLogName(file: string): boolean {
  return /^postgresql\.log\.\d{4}-\d{2}-\d{2}-\d{2}$/.test(file)
}
