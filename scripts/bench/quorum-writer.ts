/** One writer by hand, with whatever waits for its commits in turn: for `quorum.ts`. With Debian's PostgreSQL alone. */
import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { appendFile, chown, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Account } from '../../src/host/account.ts'
import { parseHistory } from '#wire/pg/timeline-history.ts'
import { eventually } from '../../tests/support/eventually.ts'

const run = promisify(execFile)

export const USER = 'bench'
const PORT = 5432
const SCALE = '10'

const SETTINGS = `
port = ${PORT}
listen_addresses = ''
shared_buffers = '256MB'
max_wal_size = '4GB'
wal_keep_size = '4GB'
wal_sender_timeout = 0
max_wal_senders = 20
autovacuum = off
checkpoint_timeout = '30min'
`

export class Writer {
  private readonly bin: string
  private readonly folder: string
  private readonly account: Account | undefined
  private readonly children: ChildProcess[] = []
  /** Where its present timeline, 2, begins. */
  epochStart = 0

  /** An engine of `bin` on timeline 2, with pgbench's tables. The folder can be entered by the account. */
  static async open(bin: string, folder: string, account: Account | undefined): Promise<Writer> {
    const writer = new Writer(bin, folder, account)
    await writer.initialize()
    return writer
  }

  private constructor(bin: string, folder: string, account: Account | undefined) {
    this.bin = bin
    this.folder = folder
    this.account = account
  }

  get socketPath(): string {
    return join(this.folder, `.s.PGSQL.${PORT}`)
  }

  private get data(): string {
    return join(this.folder, 'writer')
  }

  async sql(text: string): Promise<string> {
    return (await this.tool('psql', '-XAtqc', text, 'postgres')).trim()
  }

  /** Of Debian's PostgreSQL, told where the writer is. */
  async tool(name: string, ...args: readonly string[]): Promise<string> {
    const { stdout } = await run(join(this.bin, name), ['-h', this.folder, '-p', `${PORT}`, '-U', USER, ...args], {
      ...this.as,
    })
    return stdout
  }

  start(name: string, ...args: readonly string[]): ChildProcess {
    const child = spawn(join(this.bin, name), args, { ...this.as, stdio: ['ignore', 'ignore', 'inherit'] })
    this.children.push(child)
    return child
  }

  /** A standby that follows it under this name. */
  async standby(name: string): Promise<ChildProcess> {
    const data = join(this.folder, name)
    await this.tool('pg_basebackup', '-D', data, '-X', 'stream', '-c', 'fast')
    const source = `host=${this.folder} port=${PORT} user=${USER} application_name=${name}`
    await appendFile(join(data, 'postgresql.conf'), `port = ${PORT + 1}\nprimary_conninfo = '${source}'\n`)
    await this.ownedFile(join(data, 'standby.signal'))
    return this.start('postgres', '-D', data, '-k', this.folder)
  }

  async makeFolder(path: string): Promise<void> {
    await mkdir(path, { mode: 0o700 })
    if (this.account) await chown(path, this.account.uid, this.account.gid)
  }

  async close(): Promise<void> {
    for (const child of this.children.toReversed()) {
      const gone = new Promise(
        (resolve) => (child.exitCode ?? child.signalCode) === null && child.once('exit', resolve),
      )
      child.kill('SIGCONT')
      if (child.kill('SIGQUIT')) await gone
    }
  }

  private get as(): { uid?: number; gid?: number; cwd: string } {
    const { account, folder } = this
    return account ? { uid: account.uid, gid: account.gid, cwd: folder } : { cwd: folder }
  }

  private async initialize(): Promise<void> {
    const { data, account } = this
    await mkdir(data, { recursive: true, mode: 0o700 })
    for (const path of [this.folder, data]) if (account) await chown(path, account.uid, account.gid)
    await run(join(this.bin, 'initdb'), ['-D', data, '-U', USER, '-A', 'trust', '-k'], this.as)
    await appendFile(join(data, 'postgresql.conf'), SETTINGS)
    const first = this.start('postgres', '-D', data, '-k', this.folder)
    await this.answers()
    await this.tool('pgbench', '-i', '-q', '-s', SCALE, 'postgres')
    const gone = new Promise((resolve) => first.once('exit', resolve))
    first.kill('SIGINT')
    await gone
    await this.ownedFile(join(data, 'standby.signal'))
    this.start('postgres', '-D', data, '-k', this.folder)
    await this.answers()
    await this.sql('SELECT pg_promote(true)')
    await this.sql('CHECKPOINT')
    this.epochStart = Number(
      parseHistory(await readFile(join(data, 'pg_wal', '00000002.history'), 'utf8')).at(-1)!.endsAt,
    )
  }

  private answers(): Promise<true> {
    return eventually('the writer answers', async () => ((await this.sql('SELECT 1')) === '1' ? true : undefined))
  }

  private async ownedFile(path: string): Promise<void> {
    await writeFile(path, '')
    if (this.account) await chown(path, this.account.uid, this.account.gid)
  }
}
