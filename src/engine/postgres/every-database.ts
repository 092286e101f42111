/** The same in all databases of a cluster, also in those that nobody may connect to. */
import { quoteName, sqlStateOf, withSession } from './sql.ts'
import type { Session } from './sql.ts'
import type { Surroundings } from './surroundings.ts'

interface Instance {
  readonly folder: string
  readonly surroundings: Surroundings
}

const DROPPED_MEANWHILE = '3D000'

/**
 * In one after the other, the templates first, so that one that is made meanwhile has it too; last the database of our own
 * sessions. What was dropped meanwhile is passed over.
 */
export async function inEveryDatabase(instance: Instance, work: (session: Session) => Promise<void>): Promise<void> {
  const databases = await withSession(instance, ({ query }) =>
    // One with -2 was being dropped when the engine ended; nobody can get in.
    query<Database>(
      `SELECT datname AS name, datallowconn AS open FROM pg_database WHERE datconnlimit <> -2
        ORDER BY datname = current_database(), datname LIKE 'template_' DESC, datname`,
    ),
  )
  for (const database of databases)
    await inDatabase(instance, database, work).catch((error: unknown) => {
      if (sqlStateOf(error) !== DROPPED_MEANWHILE) throw error
    })
}

interface Database {
  readonly name: string
  readonly open: boolean
}

async function inDatabase(
  instance: Instance,
  database: Database,
  work: (session: Session) => Promise<void>,
): Promise<void> {
  const { name } = database
  // Nobody shall be left in template0 by an agent that died here.
  const open = database.open && name !== 'template0'
  const allow = (is: boolean): Promise<unknown> =>
    withSession(instance, ({ query }) =>
      query(`SET synchronous_commit = local; ALTER DATABASE ${quoteName(name)} ALLOW_CONNECTIONS ${is}`),
    )
  if (!open) await allow(true)
  try {
    await withSession(instance, work, { database: name })
  } finally {
    if (!open) await allow(false)
  }
}
