/** The master user and the first database. Every function may run twice. */
import { majorOf } from '#catalog/postgres-versions.ts'
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
  first: { readonly version: string; readonly databaseName: string | undefined },
): Promise<void> {
  const ownPublic = `ALTER SCHEMA public OWNER TO ${quoteName(master.name)}`
  // From 15 on the schema belongs to whoever owns the database. Before, new databases have it as template1 has it.
  const hasOwner = majorOf(first.version) < 15
  await withSession(instance, (session) => createRole(session, master, hasOwner ? [ownPublic] : []))
  if (hasOwner) await withSession(instance, ({ query }) => query(ownPublic), { database: 'template1' })
  if (first.databaseName !== undefined) await createDatabase(instance, master, first.databaseName)
}

async function createDatabase(instance: Instance, master: MasterUser, name: string): Promise<void> {
  await withSession(instance, async ({ query }) => {
    const found = await query('SELECT 1 FROM pg_database WHERE datname = $1', [name])
    if (found.length === 0) await query(`CREATE DATABASE ${quoteName(name)} OWNER ${quoteName(master.name)}`)
  })
}

export async function setMasterPassword(instance: Instance, master: MasterUser): Promise<void> {
  await withSession(instance, (session) =>
    session.query(`ALTER ROLE ${quoteName(master.name)} PASSWORD ${quoteText(master.passwordVerifier)}`),
  )
}

async function createRole({ query }: Session, master: MasterUser, also: readonly string[]): Promise<void> {
  const found = await query('SELECT 1 FROM pg_roles WHERE rolname = $1', [master.name])
  if (found.length > 0) return
  const [name, verifier] = [quoteName(master.name), quoteText(master.passwordVerifier)]
  // One message is one transaction, so that the role is there with all its rights or not at all.
  const statements = [
    `CREATE ROLE ${name} LOGIN CREATEDB CREATEROLE PASSWORD ${verifier} VALID UNTIL 'infinity'`,
    `GRANT rds_superuser TO ${name} WITH ADMIN OPTION`,
    `ALTER DATABASE postgres OWNER TO ${name}`,
    ...also,
  ]
  await query(statements.join('; '))
}
