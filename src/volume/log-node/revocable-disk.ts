import type { LogDisk } from '../ports.ts'

type Done = (error?: Error) => void

/**
 * A disk that can be taken away from a member that does not know it: from then on nothing of what it does reaches the
 * folder, and it hears of nothing any more.
 */
export class RevocableDisk implements LogDisk {
  /** A sync has failed: what is on the disk of what was written cannot be known. */
  isSyncFailed = false
  private readonly disk: LogDisk
  private isRevoked = false
  private underWay = 0
  private readonly settled = Promise.withResolvers<void>()

  constructor(disk: LogDisk) {
    this.disk = disk
  }

  /** Resolves when nothing is under way in the folder any more. */
  revoke(): Promise<void> {
    this.isRevoked = true
    if (this.underWay === 0) this.settled.resolve()
    return this.settled.promise
  }

  names(): string[] {
    return this.isRevoked ? [] : this.disk.names()
  }

  load(name: string): Buffer | undefined {
    return this.isRevoked ? undefined : this.disk.load(name)
  }

  read(name: string, offset: number, count: number): Buffer {
    return this.isRevoked ? Buffer.alloc(0) : this.disk.read(name, offset, count)
  }

  write(name: string, offset: number, bytes: Uint8Array): void {
    if (!this.isRevoked) this.disk.write(name, offset, bytes)
  }

  sync(name: string, done: Done): void {
    if (!this.isRevoked) this.disk.sync(name, this.counted(this.noting(done)))
  }

  replace(name: string, bytes: Uint8Array, done: Done): void {
    if (!this.isRevoked) this.disk.replace(name, bytes, this.counted(done))
  }

  allocate(name: string, bytes: number, done: Done): void {
    if (!this.isRevoked) this.disk.allocate(name, bytes, this.counted(done))
  }

  remove(name: string): void {
    if (!this.isRevoked) this.disk.remove(name)
  }

  private noting(done: Done): Done {
    return (error) => {
      this.isSyncFailed ||= error !== undefined
      done(error)
    }
  }

  private counted(done: Done): Done {
    this.underWay++
    return (error) => {
      this.underWay--
      if (!this.isRevoked) done(error)
      else if (this.underWay === 0) this.settled.resolve()
    }
  }
}
