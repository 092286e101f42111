/** How common clients spell a connection. Pure. */

export interface Connection {
  readonly address: string
  readonly port: number
  readonly user: string
  readonly database: string
  readonly caFile: string
}

export interface Spelling {
  /** Key with `--json`. */
  readonly key: string
  readonly title: string
  readonly lines: readonly string[]
}

/** Stands where the password belongs: only whoever set it knows it. */
const PASSWORD = 'PASSWORD'

/** Every one of them verifies the server's certificate against Holdfast's CA, and its name. */
export function spellings(to: Connection): Spelling[] {
  const { address, port, user, database, caFile } = to
  const host = address.includes(':') ? `[${address}]` : address
  const [u, ca] = [urlPart(user), urlPart(caFile)]
  const d = encodeURIComponent(database)
  const url = `postgresql://${u}:${PASSWORD}@${host}:${port}/${d}`
  const libpq = keywords({ host: address, port, user, password: PASSWORD, dbname: database })
  const secure = keywords({ sslmode: 'verify-full', sslrootcert: caFile })
  return [
    {
      key: 'psql',
      title: 'psql',
      lines: [`psql "${keywords({ host: address, port, user, dbname: database })} ${secure}"`],
    },
    {
      key: 'jdbc',
      title: 'JDBC',
      lines: [
        `jdbc:postgresql://${host}:${port}/${d}?user=${u}&password=${PASSWORD}&sslmode=verify-full&sslrootcert=${ca}`,
      ],
    },
    {
      key: 'nodePostgres',
      title: 'node-postgres',
      // In the URL and not in an `ssl` object, which the URL's own parameters would replace.
      lines: [`new pg.Client({ connectionString: '${quoted(`${url}?sslmode=verify-full&sslrootcert=${ca}`)}' })`],
    },
    { key: 'psycopg', title: 'psycopg', lines: [`psycopg.connect("${libpq} ${secure}")`] },
    { key: 'prisma', title: 'Prisma', lines: [`DATABASE_URL="${url}?sslmode=require&sslaccept=strict&sslcert=${ca}"`] },
    {
      key: 'dotnet',
      title: '.NET (Npgsql)',
      lines: [
        `Host=${address};Port=${port};Username=${user};Password=${PASSWORD};Database=${database};` +
          `SSL Mode=VerifyFull;Root Certificate=${caFile}`,
      ],
    },
    { key: 'go', title: 'Go (pgx, lib/pq)', lines: [`${url}?sslmode=verify-full&sslrootcert=${ca}`] },
    {
      key: 'environment',
      title: 'Environment variables',
      lines: Object.entries(environment(to)).map(([name, value]) => `export ${name}=${shellQuoted(value)}`),
    },
  ]
}

/** What libpq and everything built on it reads. Without a password: psql asks, or reads PGPASSWORD or a password file. */
export function environment(to: Connection): Record<string, string> {
  return {
    PGHOST: to.address,
    PGPORT: String(to.port),
    PGUSER: to.user,
    PGDATABASE: to.database,
    PGSSLMODE: 'verify-full',
    PGSSLROOTCERT: to.caFile,
  }
}

/** A slash needs no escape in the parts where these stand, and a path without is easier to read. */
function urlPart(text: string): string {
  return encodeURIComponent(text).replaceAll('%2F', '/')
}

function keywords(values: Readonly<Record<string, string | number>>): string {
  return Object.entries(values)
    .map(([key, value]) => `${key}=${keywordValue(String(value))}`)
    .join(' ')
}

/** PostgreSQL 18 manual, 32.1.1.1: values with spaces are quoted, quotes and backslashes escaped. */
function keywordValue(value: string): string {
  return /^[\w.:/~@-]+$/.test(value) ? value : `'${quoted(value)}'`
}

function quoted(text: string): string {
  return text.replaceAll(/['\\]/g, (character) => `\\${character}`)
}

function shellQuoted(value: string): string {
  return /^[\w.:/~@-]+$/.test(value) ? value : `'${value.replaceAll("'", `'\\''`)}'`
}
