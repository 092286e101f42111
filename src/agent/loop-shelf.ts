/** The volumes of a host's instances that have one: `<id>.img` each, mounted at the instance's folder. */
import type { Account } from '#host/account.ts'
import type { Clock } from '#host/clock.ts'
import { freeBytes, namesIn } from '#host/disk.ts'
import {
  dropBallast,
  growVolume,
  hasVolume,
  imageNameOf,
  keepBallast,
  makeVolume,
  mountVolume,
  removeVolume,
  unmountVolume,
  type LoopVolume,
} from '#host/loop-volume.ts'
import { reliefOf } from './storage/level.ts'
import type { VolumeRoom } from './volumes.ts'

interface Surroundings {
  readonly account: Account | undefined
  readonly clock: Clock
}

export class LoopShelf {
  private readonly images: string
  private readonly surroundings: Surroundings

  constructor(images: string, surroundings: Surroundings) {
    this.images = images
    this.surroundings = surroundings
  }

  async make(id: string, folder: string, sizeBytes: number): Promise<void> {
    const volume = this.volumeOf(id, folder)
    await unmountVolume(volume, this.surroundings.clock)
    await makeVolume(volume, sizeBytes)
    await this.mount(volume)
  }

  /** Of an instance without a volume: nothing, as the following. */
  async attach(id: string, folder: string): Promise<void> {
    const volume = this.volumeOf(id, folder)
    if (await hasVolume(volume)) await this.mount(volume)
  }

  async grow(id: string, folder: string, sizeBytes: number): Promise<void> {
    const volume = this.volumeOf(id, folder)
    if (!(await hasVolume(volume))) return
    await this.mount(volume)
    await growVolume(volume, sizeBytes)
    await keepBallast(volume, reliefOf({ allocatedBytes: sizeBytes, isVolume: true }))
  }

  async dropBallast(id: string, folder: string): Promise<boolean> {
    const volume = this.volumeOf(id, folder)
    return (await hasVolume(volume)) && dropBallast(volume)
  }

  async detach(id: string, folder: string): Promise<void> {
    await unmountVolume(this.volumeOf(id, folder), this.surroundings.clock)
  }

  /** The image goes last: as long as it is there, a host knows that there is something to remove. */
  async remove(id: string, folder: string): Promise<void> {
    const volume = this.volumeOf(id, folder)
    await unmountVolume(volume, this.surroundings.clock)
    await removeVolume(volume)
  }

  async room(id: string, folder: string): Promise<VolumeRoom | undefined> {
    const volume = this.volumeOf(id, folder)
    if (!(await hasVolume(volume))) return undefined
    return { freeBytes: await freeBytes(folder), hostFreeBytes: await freeBytes(this.images) }
  }

  async ids(): Promise<string[]> {
    return (await namesIn(this.images)).map((name) => imageNameOf(name).replace(/\.img$/, ''))
  }

  private mount(volume: LoopVolume): Promise<void> {
    const { account, clock } = this.surroundings
    return mountVolume(volume, { mode: 0o700, account }, clock)
  }

  private volumeOf(id: string, folder: string): LoopVolume {
    return { image: `${this.images}/${id}.img`, folder }
  }
}
