/** The master user and the first database. Every function may run twice. */
import type { MasterUser } from '#wire/agent/messages.ts'
import { quoteName, quoteText, withSession } from './sql.ts'
import type { Session } from './sql.ts'
import type { Surroundings } from './surroundings.ts'

/** A connected instance. */
interface Instance {
  readonly folder: string
  readonly surroundings: Surroundings
}

export async function createMaster(
  instance: Instance,
  master: MasterUser,
  databaseName: string | undefined,
): Promise<void> {
  await withSession(instance, async (session) => {
    await createRole(session, master)
    if (databaseName === undefined) return
    const found = await session.query('SELECT 1 FROM pg_database WHERE datname = $1', [databaseName])
    if (found.length > 0) return
    await session.query(`CREATE DATABASE ${quoteName(databaseName)} OWNER ${quoteName(master.name)}`)
  })
}

export async function setMasterPassword(instance: Instance, master: MasterUser): Promise<void> {
  await withSession(instance, (session) =>
    session.query(`ALTER ROLE ${quoteName(master.name)} PASSWORD ${quoteText(master.passwordVerifier)}`),
  )
}

async function createRole({ query }: Session, { name, passwordVerifier }: MasterUser): Promise<void> {
  const found = await query('SELECT 1 FROM pg_roles WHERE rolname = $1', [name])
  // One message is one transaction, so that there never is a role without its grant.
  const create = `CREATE ROLE ${quoteName(name)} LOGIN CREATEDB CREATEROLE PASSWORD ${quoteText(passwordVerifier)} VALID UNTIL 'infinity'`
  if (found.length === 0) await query(`${create}; GRANT rds_superuser TO ${quoteName(name)} WITH ADMIN OPTION`)
}
