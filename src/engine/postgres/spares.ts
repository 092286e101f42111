/**
 * One more copy of each template, made ahead and durable: the next instance of the version takes it by a rename, and
 * need not wait for a thousand files to be made. Copies are made while nobody waits for anything else.
 *
 *   spares/<template>-<uuid>/data     ready
 *   spares/.<template>-…/data         being made (drafts.ts)
 */
import { basename, dirname, join } from 'node:path'
import { codeOf, makeFolder, namesIn, removeTree, renameDurably } from '#host/disk.ts'
import { copyTree, syncTree } from '#host/tree.ts'
import { dropDeadDrafts, newDraft, putInPlace } from './drafts.ts'
import { dataOf } from './layout.ts'
import type { Surroundings } from './surroundings.ts'

export class Spares {
  private readonly surroundings: Surroundings
  private readonly folder: string
  /** Instances that are being filled now: a spare would only slow them down. */
  private filling = 0
  /** PGDATA of templates that lack their spare. */
  private readonly wanted = new Set<string>()
  private readonly taken = new Set<string>()
  private making: Promise<void> | undefined

  constructor(surroundings: Surroundings) {
    this.surroundings = surroundings
    this.folder = join(surroundings.enginesFolder, 'postgres', 'spares')
  }

  /** Whether this PGDATA is a spare that this process took, and so was durable from the start. Forgotten once asked. */
  wasSpare(data: string): boolean {
    return this.taken.delete(data)
  }

  /** Runs `fill` with the spare in place if there was one, and sees to the next spare afterwards. */
  async around<R>(template: string, target: string, fill: (taken: boolean) => Promise<R>): Promise<R> {
    this.filling++
    this.taken.delete(target)
    try {
      const taken = await this.take(template, target)
      if (taken) this.taken.add(target)
      return await fill(taken)
    } finally {
      this.filling--
      this.want(template)
    }
  }

  /** Makes a spare of the template, in the background, unless there is one. */
  want(template: string): void {
    this.wanted.add(template)
    this.making ??= this.work().finally(() => (this.making = undefined))
  }

  /** Other agents of this machine take from the same shelf: whoever renames first has it. */
  private async take(template: string, target: string): Promise<boolean> {
    for (const name of await this.ready(template)) {
      try {
        await renameDurably(dataOf(join(this.folder, name)), target)
        await removeTree(join(this.folder, name))
        return true
      } catch (error) {
        if (codeOf(error) === 'ENOENT') continue
        // Instances may lie on another disk than engines.
        if (codeOf(error) === 'EXDEV') return false
        throw error
      }
    }
    return false
  }

  private async ready(template: string): Promise<string[]> {
    return (await namesIn(this.folder)).filter((name) => name.startsWith(`${nameOf(template)}-`))
  }

  private async work(): Promise<void> {
    for (const template of this.wanted) {
      if (this.filling > 0) return
      this.wanted.delete(template)
      // Without a spare the next instance is copied as it comes, and meets by itself what went wrong here.
      await this.make(template).catch(() => {})
    }
  }

  private async make(template: string): Promise<void> {
    if ((await this.ready(template)).length > 0) return
    const { account, random } = this.surroundings
    await makeFolder(this.folder, { mode: 0o711 })
    await dropDeadDrafts(this.folder)
    const draft = newDraft(this.folder, nameOf(template), random)
    try {
      await makeFolder(draft, { mode: 0o700, account })
      await copyTree(template, dataOf(draft), { account })
      await syncTree(draft)
      await putInPlace(draft, join(this.folder, `${nameOf(template)}-${random.uuid()}`))
    } finally {
      await removeTree(draft)
    }
  }
}

/** A template's PGDATA is `templates/<name>/data`. */
const nameOf = (template: string): string => basename(dirname(template))
