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

/** A process and all that it has started. */
export async function treeOf(root: number): Promise<number[]> {
  const children: number[] = []
  for (const name of await readdir('/proc')) {
    const stat = /^\d+$/.test(name) ? await readFile(`/proc/${name}/stat`, 'utf8').catch(() => '') : ''
    if (Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]) === root) children.push(Number(name))
  }
  return [root, ...children]
}
