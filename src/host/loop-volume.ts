/**
 * File systems of a fixed size, each in a sparse file of its own, mounted through a loop device. For root on Linux.
 *
 * XFS and not ext4: it grows while it is mounted with CAP_SYS_ADMIN alone, which mounting needs anyway. ext4 asks for
 * CAP_SYS_RESOURCE as well, which containers are often not given.
 */
import * as fs from 'node:fs/promises'
import type { Clock } from './clock.ts'
import {
  codeOf,
  exists,
  freeBytes,
  makeFolder,
  readText,
  removeTree,
  renameDurably,
  statOf,
  syncPath,
  type Ownership,
} from './disk.ts'
import { BALLAST_BYTES, UNMOUNT_PAUSE_MS, UNMOUNT_TRIES_MAX, VOLUME_BYTES_MIN } from './limits.ts'
import { runCommand } from './process.ts'

export interface LoopVolume {
  /** The file that has its blocks. */
  readonly image: string
  /** Where it is mounted. */
  readonly folder: string
}

/**
 * Makes the volume, empty and not mounted, in the place of whatever the file had. Durable when this resolves; what has
 * the name of an image is a whole one at any time.
 */
export async function makeVolume({ image }: LoopVolume, sizeBytes: number): Promise<void> {
  const draft = draftOf(image)
  await removeTree(draft)
  const file = await fs.open(draft, 'wx', 0o600)
  try {
    await file.truncate(sizeBytes)
    // Nothing is discarded first: the file is sparse.
    await run('mkfs.xfs', ['-q', '-K', draft])
    await file.sync()
  } finally {
    await file.close()
  }
  await renameDurably(draft, image)
}

/** What an interrupted {@link makeVolume} leaves behind. */
const draftOf = (image: string): string => `${image}.draft`

/** The volume is not mounted any more. */
export async function removeVolume({ image }: LoopVolume): Promise<void> {
  await removeTree(draftOf(image))
  await removeTree(image)
}

/** The image that a file of this name is, or was to be. */
export const imageNameOf = (name: string): string => name.replace(/\.draft$/, '')

/**
 * Mounts the volume unless it is mounted. The folder is made; mode and owner are those of the volume's own root. A file
 * system that gave itself up, as after an error below its log, is mounted anew, which recovers it. Throws where somebody
 * still has a file of it open.
 */
export async function mountVolume(volume: LoopVolume, own: Ownership, clock: Clock): Promise<void> {
  const { image, folder } = volume
  if ((await deviceOf(folder)) && (await isGivenUp(folder))) await takeDown(folder, clock, { isPatient: false })
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

/** A file system that stopped working says so of its root. */
async function isGivenUp(folder: string): Promise<boolean> {
  return fs.stat(folder).then(
    () => false,
    (error: unknown) => codeOf(error) === 'EIO',
  )
}

/**
 * Nothing is mounted there and no loop device is left when this resolves. What an engine left behind, which dies a moment
 * after it, may hold the volume for so long; what holds it longer loses sight of it.
 */
export async function unmountVolume({ folder }: LoopVolume, clock: Clock): Promise<void> {
  await takeDown(folder, clock, { isPatient: true })
}

async function takeDown(folder: string, clock: Clock, { isPatient }: { isPatient: boolean }): Promise<void> {
  for (let tries = 0; await deviceOf(folder); tries++) {
    const isLast = tries >= UNMOUNT_TRIES_MAX
    if (isLast && !isPatient) throw new Error('take down a volume: it is in use')
    const { code } = await runCommand('umount', isLast ? ['--lazy', folder] : [folder], { env: ENV })
    if (code !== 0) await clock.sleep(UNMOUNT_PAUSE_MS)
  }
}

/**
 * Sets space aside on a mounted volume, which {@link dropBallast} gives back, unless it is or less than `spareBytes` would
 * be left. Takes no space of the host's: nothing is written.
 */
export async function keepBallast({ folder }: LoopVolume, spareBytes: number): Promise<void> {
  const ballast = ballastOf(folder)
  if ((await statOf(ballast))?.sizeBytes === BALLAST_BYTES) return
  // Its size is set last: one of another size is what an interrupted attempt left.
  await removeTree(ballast)
  if ((await freeBytes(folder)) < BALLAST_BYTES + spareBytes) return
  await run('fallocate', ['--length', String(BALLAST_BYTES), ballast])
}

/** False: none was set aside. */
export async function dropBallast({ folder }: LoopVolume): Promise<boolean> {
  const ballast = ballastOf(folder)
  if (!(await exists(ballast))) return false
  await removeTree(ballast)
  return true
}

const ballastOf = (folder: string): string => `${folder}/ballast`

/** Why this host has no volumes; undefined: it has, found by making, mounting, growing and removing one in the folder. */
export async function volumeTrouble(folder: string, clock: Clock): Promise<string | undefined> {
  if (process.platform !== 'linux') return 'loop devices are of Linux'
  if (process.getuid?.() !== 0) return 'only root may mount them'
  const volume = { image: `${folder}/volume-trial.img`, folder: `${folder}/volume-trial` }
  try {
    await makeVolume(volume, VOLUME_BYTES_MIN)
    await mountVolume(volume, { mode: 0o700 }, clock)
    await growVolume(volume, 2 * VOLUME_BYTES_MIN)
    await keepBallast(volume, 0)
    return undefined
  } catch (error) {
    const { message, cause } = error as Error
    return cause instanceof Error ? `${message}: ${cause.message}` : message
  } finally {
    await unmountVolume(volume, clock)
    await removeTree(volume.folder)
    await removeVolume(volume)
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
