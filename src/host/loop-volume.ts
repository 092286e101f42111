/**
 * File systems of a fixed size, each in a sparse file of its own, mounted through a loop device. For root on Linux.
 *
 * XFS and not ext4: it grows while it is mounted with CAP_SYS_ADMIN alone, which mounting needs anyway. ext4 asks for
 * CAP_SYS_RESOURCE as well, which containers are often not given.
 */
import * as fs from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Clock } from './clock.ts'
import { exists, makeFolder, readText, removeTree, statOf, syncPath, type Ownership } from './disk.ts'
import { UNMOUNT_PAUSE_MS, UNMOUNT_TRIES_MAX, VOLUME_BYTES_MIN } from './limits.ts'
import { runCommand } from './process.ts'

export interface LoopVolume {
  /** The file that has its blocks. */
  readonly image: string
  /** Where it is mounted. */
  readonly folder: string
}

/** Makes the volume, empty and not mounted, in the place of whatever the file had. Durable when this resolves. */
export async function makeVolume({ image }: LoopVolume, sizeBytes: number): Promise<void> {
  await removeTree(image)
  const file = await fs.open(image, 'wx', 0o600)
  try {
    await file.truncate(sizeBytes)
    // Nothing is discarded first: the file is sparse.
    await run('mkfs.xfs', ['-q', '-K', image])
    await file.sync()
  } finally {
    await file.close()
  }
  await syncPath(dirname(image))
}

/** Mounts the volume unless it is mounted. The folder is made; mode and owner are those of the volume's own root. */
export async function mountVolume(volume: LoopVolume, own: Ownership): Promise<void> {
  const { image, folder } = volume
  if (await deviceOf(folder)) return
  await makeFolder(folder, { mode: 0o700 })
  // What files grow into is not set aside beforehand, and what they leave goes back to the host: what is free is free.
  await run('mount', ['-t', 'xfs', '-o', 'loop,noatime,nodev,nosuid,discard,allocsize=64k', image, folder])
  await makeFolder(folder, own)
}

/** Gives a mounted volume at least this size, while it is written to. It never shrinks. May run twice. */
export async function growVolume({ image, folder }: LoopVolume, sizeBytes: number): Promise<void> {
  const before = (await statOf(image))?.sizeBytes ?? 0
  if (before < sizeBytes) {
    await fs.truncate(image, sizeBytes)
    await syncPath(image)
  }
  const device = await deviceOf(folder)
  if (!device) throw new Error('grow a volume: it is not mounted')
  await run('losetup', ['--set-capacity', device])
  await run('xfs_growfs', ['-d', folder])
}

/**
 * Nothing is mounted there and no loop device is left when this resolves. What an engine left behind, which dies a moment
 * after it, may hold the volume for so long; what holds it longer loses sight of it.
 */
export async function unmountVolume({ folder }: LoopVolume, clock: Clock): Promise<void> {
  for (let tries = 0; await deviceOf(folder); tries++) {
    const how = tries < UNMOUNT_TRIES_MAX ? [folder] : ['--lazy', folder]
    const { code } = await runCommand('umount', how, { env: ENV })
    if (code !== 0) await clock.sleep(UNMOUNT_PAUSE_MS)
  }
}

/** Why this host has no volumes; undefined: it has, found by making, mounting, growing and removing one in the folder. */
export async function volumeTrouble(folder: string, clock: Clock): Promise<string | undefined> {
  if (process.platform !== 'linux') return 'loop devices are of Linux'
  if (process.getuid?.() !== 0) return 'only root may mount them'
  const volume = { image: `${folder}/volume-trial.img`, folder: `${folder}/volume-trial` }
  try {
    await makeVolume(volume, VOLUME_BYTES_MIN)
    await mountVolume(volume, { mode: 0o700 })
    await growVolume(volume, 2 * VOLUME_BYTES_MIN)
    return undefined
  } catch (error) {
    const { message, cause } = error as Error
    return cause instanceof Error ? `${message}: ${cause.message}` : message
  } finally {
    await unmountVolume(volume, clock)
    await removeTree(volume.folder)
    await removeTree(volume.image)
  }
}

export const hasVolume = ({ image }: LoopVolume): Promise<boolean> => exists(image)

/** The device that is mounted on this folder; undefined: none. */
async function deviceOf(folder: string): Promise<string | undefined> {
  const real = await fs.realpath(folder).catch(() => undefined)
  return real === undefined ? undefined : mountedDevice((await readText('/proc/self/mountinfo')) ?? '', real)
}

/** From the text of /proc/self/mountinfo: `id parent major:minor root place options … - type device options`. Pure. */
export function mountedDevice(mountinfo: string, folder: string): string | undefined {
  let device: string | undefined
  for (const line of mountinfo.split('\n')) {
    const [before = '', after = ''] = line.split(' - ')
    // Of several on one folder the last one is seen.
    if (plain(before.split(' ')[4] ?? '') === folder) device = after.split(' ')[1]
  }
  return device
}

/** Blanks and backslashes are written as `\040`. */
const plain = (path: string): string =>
  path.replace(/\\(\d{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)))

const ENV = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' }

async function run(command: string, args: readonly string[]): Promise<void> {
  const { code, stdout, stderr } = await runCommand(command, args, { env: ENV })
  if (code !== 0) throw new Error(`${command}: ${(stderr || stdout).trim().slice(0, SAID_CHARS_MAX)}`)
}

/** Of what a command said when it failed. */
const SAID_CHARS_MAX = 500
