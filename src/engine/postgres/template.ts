/** One ready data folder per version, which every new instance is a copy of: initdb takes longer than all the rest. */
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { majorOf } from '#catalog/postgres-versions.ts'
import { exists, makeFolder, namesIn, removeTree, writeFileDurably } from '#host/disk.ts'
import { runCommand } from '#host/process.ts'
import { syncTree } from '#host/tree.ts'
import { EngineError } from '../engine.ts'
import { FAILURE_TEXT_CHARS_MAX } from '../limits.ts'
import { stopLeftServer, withServerAside } from './aside.ts'
import type { Binaries } from './binaries/binaries.ts'
import { dropDeadDrafts, newDraft, putInPlace } from './drafts.ts'
import { dataOf } from './layout.ts'
import { clusterStatements, RECIPE_VERSION } from './recipe.ts'
import { leaveShortWal } from './short-wal.ts'
import { ADMIN, withSession } from './sql.ts'
import type { Surroundings } from './surroundings.ts'

/** The folder of the template's PGDATA, made if it is missing. Durable when this resolves. */
export async function ensureTemplate(version: string, binaries: Binaries, surroundings: Surroundings): Promise<string> {
  const templates = join(surroundings.enginesFolder, 'postgres', 'templates')
  const folder = join(templates, `${version}-${stamp(surroundings.adminPassword)}`)
  if (await exists(folder)) return dataOf(folder)
  await makeFolder(templates, { mode: 0o711 })
  await dropDeadDrafts(templates, (draft) => stopLeftServer(draft, surroundings))
  const draft = newDraft(templates, version, surroundings.random)
  try {
    await makeFolder(draft, { mode: 0o700, account: surroundings.account })
    await initdb(draft, version, { binaries, surroundings })
    await finish(draft, version, { binaries, surroundings })
    for (const name of await namesIn(draft)) if (name !== 'data') await removeTree(join(draft, name))
    await syncTree(draft)
    await putInPlace(draft, folder)
  } finally {
    await removeTree(draft)
  }
  return dataOf(folder)
}

interface Tools {
  readonly binaries: Binaries
  readonly surroundings: Surroundings
}

/** Names what a template depends on besides its version. */
function stamp(adminPassword: string): string {
  const secret = createHash('sha256').update(`template of ${ADMIN}:${adminPassword}`).digest('hex').slice(0, 12)
  return `r${RECIPE_VERSION}-${secret}`
}

/**
 * RDS sorts as en_US.UTF-8 does. Where the system does not know that locale, C.UTF-8 still folds case in every language;
 * from 17 on the engine brings its own, which no update of the system can change under an index.
 */
function locales(version: string): string[][] {
  const own = ['--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8']
  return [['--locale=en_US.UTF-8'], ...(majorOf(version) >= 17 ? [own] : []), ['--locale=C.UTF-8'], ['--locale=C']]
}

async function initdb(draft: string, version: string, { binaries, surroundings }: Tools): Promise<void> {
  const { account, adminPassword } = surroundings
  const passwordFile = join(draft, 'password')
  await writeFileDurably(passwordFile, `${adminPassword}\n`, { mode: 0o600, account })
  const fixed = [
    '-D',
    dataOf(draft),
    '-U',
    ADMIN,
    `--pwfile=${passwordFile}`,
    '-A',
    'scram-sha-256',
    '-E',
    'UTF8',
    '-k',
    '-N',
  ]
  let said = ''
  for (const locale of locales(version)) {
    const run = await runCommand(binaries.initdb, [...fixed, ...locale], { cwd: draft, env: ENV, account })
    if (run.code === 0) return
    said = `${run.stdout}\n${run.stderr}`.trim().slice(-FAILURE_TEXT_CHARS_MAX)
    if (!/invalid locale|locale name/.test(said)) break
    await removeTree(dataOf(draft))
  }
  throw new EngineError('failed', `initdb of PostgreSQL ${version} failed: ${said}`)
}

const ENV = { PATH: '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' }

/** Runs the recipe in a server that only we can reach, and leaves one short WAL segment. */
async function finish(draft: string, version: string, { binaries, surroundings }: Tools): Promise<void> {
  await withServerAside({ draft, version, binaries, surroundings }, () =>
    followRecipe({ folder: draft, surroundings }, majorOf(version)),
  )
  await leaveShortWal(dataOf(draft), surroundings.account)
}

async function followRecipe(at: { folder: string; surroundings: Surroundings }, major: number): Promise<void> {
  await withSession(at, async ({ query }) => {
    for (const statement of clusterStatements(major)) await query(statement)
    // The shutdown checkpoint then is the only record of the last segment, and what is copied of it is one page.
    await query('SELECT pg_switch_wal()')
  })
}
