/** When clients can write again. */
import pg from 'pg'

/** Of the master user, over TLS. */
export const loginAt = (port: number, password: string, database: string): pg.ClientConfig => ({
  host: '127.0.0.1',
  port,
  user: 'app',
  password,
  database,
  ssl: { rejectUnauthorized: false },
})

/** Milliseconds from `kill -9` of the engine until a commit is acknowledged there. */
export async function killedToCommit(engine: number, login: pg.ClientConfig): Promise<number> {
  await firstCommit(login)
  const start = performance.now()
  process.kill(engine, 'SIGKILL')
  await firstCommit(login)
  return performance.now() - start
}

/** The next commit that a client gets acknowledged, who tries again at once. */
export async function firstCommit(login: pg.ClientConfig): Promise<void> {
  for (;;) {
    const client = new pg.Client(login)
    client.on('error', () => {})
    try {
      await client.connect()
      await client.query('insert into written default values')
      return
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 2))
    } finally {
      await client.end().catch(() => {})
    }
  }
}
