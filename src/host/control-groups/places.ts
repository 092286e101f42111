/** Where this process may make control groups, by what the kernel says of its own group and of the mounts. */
import * as fs from 'node:fs/promises'
import { dirname, join } from 'node:path'

export const CONTROLLERS = ['cpu', 'memory'] as const
export type Controller = (typeof CONTROLLERS)[number]

export interface Place {
  /** Groups are folders in it. */
  readonly folder: string
  readonly version: 1 | 2
  /** Of those that limits are written for. */
  readonly controllers: readonly Controller[]
}

/** None where the system has no control groups. What is returned need not be writable. */
export async function placesOf(): Promise<Place[]> {
  const [groups, mounts] = await Promise.all(
    ['/proc/self/cgroup', '/proc/self/mountinfo'].map((path) => fs.readFile(path, 'utf8').catch(() => '')),
  )
  const places = hierarchiesIn(groups!, mounts!).map(async ({ version, folder, isRoot, controllers }) => {
    if (version === 1) return { version, folder, controllers }
    // A group with members may not give controllers on, unless it is the root: ours has us.
    const parent = isRoot ? folder : dirname(folder)
    return { version, folder: parent, controllers: await givenOn(parent) }
  })
  return (await Promise.all(places)).filter(({ controllers }) => controllers.length > 0)
}

interface Hierarchy {
  readonly version: 1 | 2
  /** Of the group that this process is in. */
  readonly folder: string
  /** That group is the root of what is mounted. */
  readonly isRoot: boolean
  readonly controllers: readonly Controller[]
}

/** Of `/proc/PID/cgroup` and `/proc/PID/mountinfo`: the hierarchies that can be limited in, with the process's group. */
export function hierarchiesIn(groups: string, mounts: string): Hierarchy[] {
  const mounted = mounts.split('\n').flatMap(mountIn)
  return groups.split('\n').flatMap((line): Hierarchy[] => {
    // hierarchy id : controllers : path; version 2 has id 0 and names no controller.
    const [, id, names, path] = /^(\d+):([^:]*):(.*)$/.exec(line) ?? []
    if (path === undefined) return []
    const version = id === '0' ? 2 : 1
    const controllers = CONTROLLERS.filter((name) => names!.split(',').includes(name))
    if (version === 1 && controllers.length === 0) return []
    const mount = mounted.find(
      (one) => one.version === version && controllers.every((name) => one.options.includes(name)),
    )
    if (!mount) return []
    // What is mounted may be a part: then paths begin above it.
    const below = path.startsWith(mount.root) ? path.slice(mount.root.length) : path
    const isRoot = below === '' || below === '/'
    return [{ version, folder: isRoot ? mount.folder : join(mount.folder, below), isRoot, controllers }]
  })
}

interface Mount {
  readonly version: 1 | 2
  readonly root: string
  readonly folder: string
  readonly options: readonly string[]
}

/** proc(5): id, parent, device, root, folder, options, optional fields, "-", type, source, options of the file system. */
function mountIn(line: string): Mount[] {
  const [own = '', ofSystem = ''] = line.split(' - ')
  const [, , , root = '', folder = ''] = own.split(' ')
  const [type, , options = ''] = ofSystem.split(' ')
  if (type !== 'cgroup' && type !== 'cgroup2') return []
  return [{ version: type === 'cgroup2' ? 2 : 1, root: root === '/' ? '' : root, folder, options: options.split(',') }]
}

/** The controllers that groups in this folder have, after those have been asked for that they could have. */
async function givenOn(folder: string): Promise<Controller[]> {
  const read = async (file: string): Promise<string[]> =>
    (await fs.readFile(join(folder, file), 'utf8').catch(() => '')).trim().split(' ')
  const [possible, given] = await Promise.all([read('cgroup.controllers'), read('cgroup.subtree_control')])
  const asked = CONTROLLERS.map(async (name) => {
    if (given.includes(name)) return [name]
    if (!possible.includes(name)) return []
    return fs.writeFile(join(folder, 'cgroup.subtree_control'), `+${name}`).then(
      () => [name],
      () => [],
    )
  })
  return (await Promise.all(asked)).flat()
}
