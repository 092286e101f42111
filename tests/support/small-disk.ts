/** Disks of a test's own that can really be full, or fail. For root on Linux. */
import { execFileSync } from 'node:child_process'
import { chmodSync } from 'node:fs'
import { mkdir, mkdtemp, open, rm, statfs, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** False where disks of a test's own can be mounted, else why not: fits the `skip` option of a test. Found by trying. */
export async function cannotMount(): Promise<false | string> {
  if (process.platform !== 'linux') return 'small disks are made as Linux makes them'
  if (process.getuid?.() !== 0) return 'only root can mount a small disk'
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-disk-'))
  try {
    await using below = await SmallDisk.mount(join(folder, 'below'), 16 * MIB)
    await using disk = await FailingDisk.mount(join(folder, 'disk'), below, 8 * MIB)
    await disk.fill(MIB)
    return false
  } catch (error) {
    return `this machine mounts no small disks: ${(error as Error).message}`
  } finally {
    await rm(folder, { recursive: true })
  }
}

/** Of the system; no package brings it. */
const MAKE_EXT4 = 'mkfs.ext4'

const MIB = 2 ** 20

/** A file that takes all the space there is, but for some. Its space is free again once it is removed. */
export async function occupy(folder: string, leaveBytes = 0): Promise<void> {
  const file = await open(join(folder, 'occupied'), 'a')
  try {
    for (;;) {
      const { bavail, bsize } = await statfs(folder)
      const bytes = Math.min(bavail * bsize - leaveBytes, 8 * MIB)
      if (bytes <= 0) return
      await file.appendFile(Buffer.alloc(bytes, 'x'))
    }
  } catch (error) {
    // The last blocks are for what the file system itself has to note.
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
  } finally {
    await file.close()
  }
}

const vacate = (folder: string): Promise<void> => rm(join(folder, 'occupied'), { force: true })

/** A file system in memory, mounted on a folder until its scope ends. */
export class SmallDisk {
  readonly folder: string

  private constructor(folder: string) {
    this.folder = folder
  }

  static async mount(folder: string, sizeBytes: number): Promise<SmallDisk> {
    await mkdir(folder, { recursive: true, mode: 0o711 })
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${sizeBytes},mode=0711`, 'tmpfs', folder])
    return new SmallDisk(folder)
  }

  fill(leaveBytes = 0): Promise<void> {
    return occupy(this.folder, leaveBytes)
  }

  empty(): Promise<void> {
    return vacate(this.folder)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    execFileSync('umount', ['-l', this.folder])
    await Promise.resolve()
  }
}

/**
 * An ext4 file system on a loop device, whose blocks lie in a sparse file on a small disk: once that is full, the system
 * cannot write back what it had taken, and says so at fsync. That is a device that fails, without device mapper.
 */
export class FailingDisk {
  readonly folder: string
  private readonly below: SmallDisk
  private readonly sizeBytes: number
  private mounts = 0

  private constructor(folder: string, below: SmallDisk, sizeBytes: number) {
    this.folder = folder
    this.below = below
    this.sizeBytes = sizeBytes
  }

  /** `below` is where the blocks lie; `sizeBytes` is what the file system believes to have. */
  static async mount(folder: string, below: SmallDisk, sizeBytes: number): Promise<FailingDisk> {
    const disk = new FailingDisk(folder, below, sizeBytes)
    await mkdir(folder, { recursive: true, mode: 0o711 })
    await disk.add()
    return disk
  }

  fill(leaveBytes = 0): Promise<void> {
    return occupy(this.folder, leaveBytes)
  }

  empty(): Promise<void> {
    return vacate(this.folder)
  }

  /** From now on what is written to blocks that were never written before is lost, and fsync fails. */
  fail(): Promise<void> {
    return this.below.fill()
  }

  /** Another disk, with nothing on it, over the one that failed: at no time does the folder show what lies below. */
  async replace(): Promise<void> {
    await this.below.empty()
    await this.add()
  }

  private async add(): Promise<void> {
    const image = join(this.below.folder, `image-${this.mounts}`)
    await writeFile(image, '')
    await truncate(image, this.sizeBytes)
    execFileSync(MAKE_EXT4, ['-q', '-F', '-m', '0', image])
    execFileSync('mount', ['-t', 'ext4', '-o', 'loop', image, this.folder])
    this.mounts++
    chmodSync(this.folder, 0o711)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (; this.mounts > 0; this.mounts--) execFileSync('umount', ['-l', this.folder])
    await Promise.resolve()
  }
}
