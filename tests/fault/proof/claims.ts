/**
 * Asks every engine of a state folder to write, all along and past every endpoint, and the endpoint as well: whoever
 * acknowledges claims to be the primary. Most say no, being standbys; what was said is judged by one-writer.ts.
 */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { systemClock } from '#host/clock.ts'
import { History } from './history.ts'
import { checkWriters, writerComplaints, type Claim } from './one-writer.ts'
import { Session, type Endpoint } from './session.ts'
import { surely } from './workloads/workload.ts'

/** Between two questions to one engine. */
const PAUSE_MS = 25

/** Between two looks for engines that are new, in questions to the endpoint. */
const LOOK_EVERY = 20

const CLAIM = `INSERT INTO claimed VALUES ($1) RETURNING inet_server_port() AS port,
  ('x' || lpad(left(pg_walfile_name(pg_current_wal_insert_lsn()), 8), 8, '0'))::bit(32)::int AS timeline`

export interface Claims {
  /** Resolves when nobody is asked any more. */
  stop(): Promise<void>
  judge(session: Session): Promise<string[]>
  summary(): string
}

export async function watchWriters(state: string, endpoint: Endpoint): Promise<Claims> {
  const history = new History<Claim>()
  const direct = { count: 0 }
  let stopping = false
  let last = 0
  let summary = ''

  const claim = async (session: Session, process: number): Promise<boolean> => {
    const value = ++last
    const end = history.begin(process)
    const ended = await session.statement(CLAIM, [value])
    const row = ended?.value?.rows[0]
    end(ended?.outcome ?? 'fail', {
      value,
      by: row && { timeline: Number(row['timeline']), port: Number(row['port']) },
    })
    return ended?.outcome === 'ok'
  }
  /** Whatever engine comes to be in a folder, one after the other. */
  const askDirectly = async (data: string, process: number): Promise<void> => {
    let asked: { port: number; session: Session } | undefined
    while (!stopping) {
      const port = await portOf(data)
      if (asked && asked.port !== port) {
        await asked.session.close()
        asked = undefined
      }
      if (port !== undefined) {
        asked ??= { port, session: new Session({ ...endpoint, port }) }
        if (await claim(asked.session, process)) direct.count++
      }
      await systemClock.sleep(PAUSE_MS)
    }
    await asked?.session.close()
  }

  const session = new Session(endpoint)
  await surely(session, 'READ COMMITTED', (query) => query('CREATE TABLE IF NOT EXISTS claimed (value int)'))
  const folders = new Map<string, Promise<void>>()
  const askAll = async (): Promise<void> => {
    for (let n = 0; !stopping; n++) {
      if (n % LOOK_EVERY === 0)
        for (const data of await dataFoldersIn(state))
          if (!folders.has(data)) folders.set(data, askDirectly(data, folders.size + 1))
      await claim(session, 0)
      await systemClock.sleep(PAUSE_MS)
    }
    await session.close()
  }
  const asking = askAll()
  return {
    async stop() {
      stopping = true
      await asking
      await Promise.all(folders.values())
    },
    async judge(reader) {
      const final = await surely(reader, 'READ COMMITTED', async (query) =>
        (await query('SELECT value FROM claimed')).rows.map((row) => Number(row['value'])),
      )
      const verdict = checkWriters(history.operations, final)
      summary = `${history.count('ok')} claims on ${verdict.timelines} timelines, ${direct.count} of them past the endpoint, ${history.count('fail')} refused, ${history.count('unknown')} unknown`
      return [
        ...writerComplaints(verdict),
        // Without them nothing was looked at.
        ...(direct.count === 0 ? ['one writer: no engine was reached past the endpoint'] : []),
      ]
    },
    summary: () => summary,
  }
}

async function dataFoldersIn(state: string): Promise<string[]> {
  const hosts = join(state, 'hosts')
  const folders: string[] = []
  for (const zone of await readdir(hosts)) {
    const instances = join(hosts, zone, 'instances')
    for (const id of await readdir(instances).catch(() => [])) folders.push(join(instances, id, 'data'))
  }
  return folders
}

/** That the engine in a folder listens on, or did when it last ran. */
async function portOf(data: string): Promise<number | undefined> {
  const text = await readFile(join(data, 'postmaster.pid'), 'utf8').catch(() => '')
  return Number(text.split('\n')[3]) || undefined
}
