/** What a process and its children use, as Linux counts it under /proc. Elsewhere nothing is known. */
import { readFile } from 'node:fs/promises'

export interface TreeUsage {
  /** Processor time, that of children which have ended included. */
  readonly cpuMs: number
  /** Private memory of all of them, and the shared memory that they have in common, once. */
  readonly memoryBytes: number
  /** Of it, what they have in common. */
  readonly sharedMemoryBytes: number
  readonly swapBytes: number
  /** What the storage delivered and took. Undefined where we may not see it. */
  readonly readBytes: number | undefined
  readonly writtenBytes: number | undefined
}

/** The kernel shows times in hundredths of a second on every architecture, whatever it counts in. */
const MS_PER_TICK = 10
const KIB = 1024

/**
 * Of the process and its direct children: an engine whose processes are all children of its first. Undefined when the
 * process is gone or the system shows nothing. A child that ends while we look is missing in this look, and is in the
 * next one with its parent, so sums hardly ever shrink.
 */
export async function treeUsage(pid: number): Promise<TreeUsage | undefined> {
  const own = await usageOf(pid)
  const children = await childrenOf(pid)
  if (!own || children === undefined) return undefined
  const all = [own, ...(await Promise.all(children.map(usageOf))).filter((usage) => usage !== undefined)]
  const total = (of: (usage: ProcessUsage) => number): number => all.reduce((sum, usage) => sum + of(usage), 0)
  const shared = Math.max(...all.map((usage) => usage.sharedBytes))
  return {
    cpuMs: total((usage) => usage.cpuMs),
    memoryBytes: total((usage) => usage.privateBytes) + shared,
    sharedMemoryBytes: shared,
    swapBytes: total((usage) => usage.swapBytes),
    readBytes: own.io && total((usage) => usage.io?.readBytes ?? 0),
    writtenBytes: own.io && total((usage) => usage.io?.writtenBytes ?? 0),
  }
}

/** The process and its direct children; none when it is gone or the system shows nothing. */
export async function treePids(pid: number): Promise<number[]> {
  const children = await childrenOf(pid)
  return children ? [pid, ...children] : []
}

async function childrenOf(pid: number): Promise<number[] | undefined> {
  const children = await textOf(`/proc/${pid}/task/${pid}/children`)
  return children?.split(' ').filter(Boolean).map(Number)
}

interface ProcessUsage {
  readonly cpuMs: number
  readonly privateBytes: number
  readonly sharedBytes: number
  readonly swapBytes: number
  readonly io: { readonly readBytes: number; readonly writtenBytes: number } | undefined
}

async function usageOf(pid: number): Promise<ProcessUsage | undefined> {
  const [stat, status, io] = await Promise.all(['stat', 'status', 'io'].map((file) => textOf(`/proc/${pid}/${file}`)))
  if (stat === undefined || status === undefined) return undefined
  // proc(5): after the name, which may contain anything, utime, stime, and those of children that were waited for.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0)
  return {
    cpuMs: ticks * MS_PER_TICK,
    privateBytes: numberAfter(status, 'RssAnon') * KIB,
    sharedBytes: (numberAfter(status, 'RssShmem') + numberAfter(status, 'RssFile')) * KIB,
    swapBytes: numberAfter(status, 'VmSwap') * KIB,
    io:
      io === undefined
        ? undefined
        : { readBytes: numberAfter(io, 'read_bytes'), writtenBytes: numberAfter(io, 'write_bytes') },
  }
}

function numberAfter(text: string, name: string): number {
  return Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(text)?.[1] ?? 0)
}

/** Undefined when the process is gone, or what it shows is not for us. */
async function textOf(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'latin1')
  } catch {
    return undefined
  }
}
