import { assert } from '#base/assert.ts'
import type { Account } from '#host/account.ts'
import { canReflink, makeFolder, namesIn, readText, removeTree, writeFileDurably } from '#host/disk.ts'
import { copyTree, syncTree } from '#host/tree.ts'
import { LoopShelf } from './loop-shelf.ts'
import type { Clock } from '#host/clock.ts'
import type { HostContents } from '#wire/agent/host-facts.ts'
import type { SnapshotFacts } from '#wire/agent/messages.ts'
import type { VolumeRoom, Volumes } from './volumes.ts'

interface Folders {
  /** Of this host: `instances/<id>/` lies in it. */
  readonly host: string
  /** Shared by the hosts of this machine: `<id>/`, and beside it `<id>.json`, which makes the snapshot complete. */
  readonly snapshots: string
  /** Whom engines run as, and snapshots belong to. */
  readonly account: Account | undefined
  readonly clock: Clock
  /** Whether new instances get a volume of the allocated size. Those that have one keep it, and others get none. */
  readonly makesVolumes: boolean
}

/** Directories on the local disk, in which volumes may be mounted. */
export async function diskVolumes(folders: Folders): Promise<Volumes> {
  // Others may pass through, as the engines' account must, but not look around.
  await makeFolder(`${folders.host}/instances`, { mode: 0o711 })
  await makeFolder(folders.snapshots, { mode: 0o711 })
  await makeFolder(`${folders.host}/volumes`, { mode: 0o700 })
  return new DiskVolumes(folders)
}

class DiskVolumes implements Volumes {
  private readonly folders: Folders
  private readonly loops: LoopShelf
  private reflinks: Promise<boolean> | undefined

  constructor(folders: Folders) {
    this.folders = folders
    this.loops = new LoopShelf(`${folders.host}/volumes`, folders)
  }

  get account(): Account | undefined {
    return this.folders.account
  }

  instanceFolder(id: string): string {
    return `${this.folders.host}/instances/${plainName(id)}`
  }

  snapshotFolder(snapshotId: string): string {
    return `${this.folders.snapshots}/${plainName(snapshotId)}`
  }

  async removeInstance(id: string): Promise<void> {
    const folder = this.instanceFolder(id)
    await this.loops.remove(id, folder)
    await removeTree(folder)
  }

  async makeInstance(id: string, sizeBytes: number): Promise<void> {
    if (this.folders.makesVolumes) await this.loops.make(id, this.instanceFolder(id), sizeBytes)
  }

  attachInstance(id: string): Promise<void> {
    return this.loops.attach(id, this.instanceFolder(id))
  }

  growInstance(id: string, sizeBytes: number): Promise<void> {
    return this.loops.grow(id, this.instanceFolder(id), sizeBytes)
  }

  dropBallast(id: string): Promise<boolean> {
    return this.loops.dropBallast(id, this.instanceFolder(id))
  }

  detachInstance(id: string): Promise<void> {
    return this.loops.detach(id, this.instanceFolder(id))
  }

  roomOf(id: string): Promise<VolumeRoom | undefined> {
    return this.loops.room(id, this.instanceFolder(id))
  }

  async contents(): Promise<HostContents> {
    const { host, snapshots } = this.folders
    const copies = (await namesIn(snapshots)).map((name) => name.replace(/\.json$/, ''))
    const instances = [...(await namesIn(`${host}/instances`)), ...(await this.loops.ids())]
    return { instances: [...new Set(instances)], snapshots: [...new Set(copies)] }
  }

  async snapshot(snapshotId: string): Promise<SnapshotFacts | undefined> {
    const text = await readText(this.factsFile(snapshotId))
    return text === undefined ? undefined : (JSON.parse(text) as SnapshotFacts)
  }

  recordSnapshot(snapshotId: string, facts: SnapshotFacts): Promise<void> {
    return writeFileDurably(this.factsFile(snapshotId), JSON.stringify(facts), { mode: 0o600 })
  }

  async removeSnapshot(snapshotId: string): Promise<void> {
    // The facts go first: a folder that is half gone must not look complete.
    await removeTree(this.factsFile(snapshotId))
    await removeTree(this.snapshotFolder(snapshotId))
  }

  async copySnapshot(snapshotId: string, targetId: string, signal: AbortSignal): Promise<void> {
    const target = this.snapshotFolder(targetId)
    await copyTree(this.snapshotFolder(snapshotId), target, { account: this.folders.account, signal })
    await syncTree(target)
  }

  reflink(): Promise<boolean> {
    return (this.reflinks ??= canReflink(this.folders.host))
  }

  private factsFile(snapshotId: string): string {
    return `${this.snapshotFolder(snapshotId)}.json`
  }
}

/** Ids are made by serve and never contain a path; a wrong one must not become a `removeTree` somewhere else. */
function plainName(id: string): string {
  assert(/^[A-Za-z0-9][A-Za-z0-9_-]*$/.test(id), `'${id}' is a plain id`)
  return id
}
