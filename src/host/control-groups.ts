/**
 * Control groups of Linux: what the kernel lets the processes of a group have, whatever they ask for. A group is made
 * beside the one that this process is in (version 2), or below it (version 1). Sources: cgroups(7), and cgroup-v2.rst,
 * cgroup-v1/memory.rst and scheduler/sched-bwc.rst of the kernel's documentation.
 */
import { randomBytes } from 'node:crypto'
import * as fs from 'node:fs/promises'
import { join } from 'node:path'
import { codeOf } from './disk.ts'
import { CONTROLLERS, placesOf, type Controller, type Place } from './control-groups/places.ts'
import { treePids } from './process-tree.ts'

/** Undefined: no limit. */
export interface GroupLimits {
  /** Processors, in fractions. What asks for more waits. */
  readonly vcpus?: number | undefined
  /**
   * Memory, files' pages included, in bytes, that the kernel does not take back first: from what has more it takes what
   * it can, at once (version 2) or when the host is short (version 1). Nobody is killed.
   */
  readonly memoryBytes?: number | undefined
}

export interface ControlGroups {
  /** What can be limited. */
  readonly controllers: readonly Controller[]
  /** The process and its children, and all that they will start, have these limits when this resolves. */
  hold(name: string, pid: number, limits: GroupLimits): Promise<void>
  /** Takes the limits from a group that there may be. */
  lift(name: string): Promise<void>
  /** Removes a group that there may be, unless somebody is still in it. */
  remove(name: string): Promise<void>
}

/** So long the kernel counts what a group used of its processors before it lets it go on. Microseconds. */
const PERIOD_US = 100_000
/** The kernel refuses a quota below this. Microseconds. */
const QUOTA_US_MIN = 1_000

const PREFIX = 'holdfast-'

/** What this process may make groups for. Undefined where it may not, or where the system has none. */
export async function openControlGroups(): Promise<ControlGroups | undefined> {
  const trial = `trial-${randomBytes(4).toString('hex')}`
  const usable: Place[] = []
  for (const place of await placesOf()) if (await isUsable(place, trial)) usable.push(place)
  return usable.length === 0 ? undefined : groupsIn(usable)
}

/** Whether a group can be made there, given a limit, and removed. */
async function isUsable(place: Place, trial: string): Promise<boolean> {
  try {
    await fs.mkdir(folderOf(place, trial))
    await writeLimits(place, trial, { vcpus: 1, memoryBytes: 2 ** 30 })
    return true
  } catch {
    return false
  } finally {
    await fs.rmdir(folderOf(place, trial)).catch(() => {})
  }
}

const folderOf = (place: Place, name: string): string => join(place.folder, PREFIX + name)

function groupsIn(places: readonly Place[]): ControlGroups {
  return {
    controllers: CONTROLLERS.filter((name) => places.some(({ controllers }) => controllers.includes(name))),
    async hold(name, pid, limits) {
      for (const place of places) {
        await fs.mkdir(folderOf(place, name)).catch(unless('EEXIST'))
        await writeLimits(place, name, limits)
        await moveTree(place, name, pid)
      }
    },
    async lift(name) {
      for (const place of places) await writeLimits(place, name, {}).catch(unless('ENOENT'))
    },
    async remove(name) {
      for (const place of places) await fs.rmdir(folderOf(place, name)).catch(unless('ENOENT', 'EBUSY'))
    },
  }
}

/** A process that is started while others are moved is a child of one that has not been yet: looked for once more. */
async function moveTree(place: Place, name: string, pid: number): Promise<void> {
  const members = join(folderOf(place, name), 'cgroup.procs')
  const inside = new Set((await fs.readFile(members, 'latin1')).split('\n').filter(Boolean).map(Number))
  for (;;) {
    const outside = (await treePids(pid)).filter((one) => !inside.has(one))
    if (outside.length === 0) return
    for (const one of outside) {
      // One that has ended meanwhile needs no limit.
      await fs.writeFile(members, String(one)).catch(unless('ESRCH'))
      inside.add(one)
    }
  }
}

async function writeLimits(place: Place, name: string, { vcpus, memoryBytes }: GroupLimits): Promise<void> {
  const write = (file: string, value: string): Promise<void> => fs.writeFile(join(folderOf(place, name), file), value)
  const quota = vcpus === undefined ? undefined : Math.max(QUOTA_US_MIN, Math.round(vcpus * PERIOD_US))
  if (place.controllers.includes('cpu')) {
    if (place.version === 2) await write('cpu.max', `${quota ?? 'max'} ${PERIOD_US}`)
    else {
      await write('cpu.cfs_period_us', String(PERIOD_US))
      await write('cpu.cfs_quota_us', String(quota ?? -1))
    }
  }
  if (place.controllers.includes('memory')) {
    if (place.version === 2) await write('memory.high', String(memoryBytes ?? 'max'))
    else await write('memory.soft_limit_in_bytes', String(memoryBytes ?? -1))
  }
}

const unless =
  (...codes: readonly string[]) =>
  (error: unknown): void => {
    if (!codes.includes(codeOf(error) ?? '')) throw error
  }
