/** The processes of engines, found as their agents find them. */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { DBInstance } from '@aws-sdk/client-rds'

/** Process of the engine that a zone's host has of an instance. */
export async function engineOf(state: string, zone: string, instance: DBInstance): Promise<number> {
  const data = join(state, 'hosts', zone, 'instances', instance.DbiResourceId!, 'data')
  return Number((await readFile(join(data, 'postmaster.pid'), 'utf8')).split('\n')[0])
}

/** The letter of the zone that the primary is in. */
export const zoneOf = (instance: DBInstance): string => instance.AvailabilityZone!.at(-1)!

/** The process and everything that it started, and that started, from the top. */
export async function treeOf(root: number): Promise<number[]> {
  const children = new Map<number, number[]>()
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue
    const stat = await readFile(`/proc/${name}/stat`, 'utf8').catch(() => '')
    // After the command's name, which may hold anything: the state, then the parent.
    const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1])
    if (parent > 0) children.set(parent, [...(children.get(parent) ?? []), Number(name)])
  }
  const tree = [root]
  for (const pid of tree) tree.push(...(children.get(pid) ?? []))
  return tree
}

/** Those that have ended meanwhile, as sessions of an agent's probe do, are left out. */
export function signalAll(pids: readonly number[], signal: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      process.kill(pid, signal)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
    }
  }
}
