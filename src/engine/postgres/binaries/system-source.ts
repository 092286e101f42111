/** PostgreSQL that this machine has from elsewhere: a distribution's packages, Homebrew, a build of one's own. */
import { delimiter, dirname, join, relative, resolve } from 'node:path'
import { isReachable, namesIn } from '#host/disk.ts'
import { runCommand } from '#host/process.ts'
import { copyTree } from '#host/tree.ts'

type Environment = Readonly<Record<string, string | undefined>>

export interface SystemInstallation {
  readonly version: string
  /** Folder of `postgres` and `initdb`. */
  readonly bin: string
  /** Named by `HOLDFAST_POSTGRES_BIN`: comes before every other source. */
  readonly isConfigured: boolean
}

/** Majors that Holdfast knows the settings and roles of. */
const MAJOR_MIN = 12
const MAJOR_MAX = 18

export async function systemInstallations(env: Environment): Promise<SystemInstallation[]> {
  const configured = env['HOLDFAST_POSTGRES_BIN']
  const folders = [...(configured ? [configured] : []), ...(await usualFolders(env))]
  const found: SystemInstallation[] = []
  for (const folder of new Set(folders)) {
    const version = await versionOf(folder)
    if (version === undefined || found.some((other) => other.version === version)) continue
    found.push({ version, bin: resolve(folder), isConfigured: folder === configured })
  }
  return found
}

async function usualFolders(env: Environment): Promise<string[]> {
  const patterns: readonly (readonly [string, RegExp, string])[] = [
    ['/usr/lib/postgresql', /^\d+$/, 'bin'],
    ['/usr', /^pgsql-\d+$/, 'bin'],
    ['/opt/homebrew/opt', /^postgresql@\d+$/, 'bin'],
    ['/usr/local/opt', /^postgresql@\d+$/, 'bin'],
  ]
  const folders: string[] = []
  for (const [root, pattern, bin] of patterns) {
    for (const name of await namesIn(root)) if (pattern.test(name)) folders.push(join(root, name, bin))
  }
  return [...folders, ...(env['PATH'] ?? '').split(delimiter).filter((folder) => folder.startsWith('/'))]
}

/** Undefined for a folder without a whole installation, of a version we know, that runs on this machine. */
async function versionOf(folder: string): Promise<string | undefined> {
  for (const name of ['postgres', 'initdb']) if (!(await isReachable(join(folder, name)))) return undefined
  const run = await runCommand(join(folder, 'postgres'), ['--version'], { env: {} }).catch(() => undefined)
  return run?.code === 0 ? parseVersion(run.stdout) : undefined
}

/** `postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)` → `15.18` */
export function parseVersion(said: string): string | undefined {
  const version = /^postgres \(PostgreSQL\) (\d+\.\d+)(\s|$)/.exec(said)?.[1]
  const major = Number.parseInt(version ?? '', 10)
  return major >= MAJOR_MIN && major <= MAJOR_MAX ? version : undefined
}

/**
 * Copies an installation into `target`, each part where it lies relative to the others: the engine finds its libraries
 * and extensions from where its program is. Returns the folder of the programs, relative to `target`.
 */
export async function copyInstallation(bin: string, target: string): Promise<string> {
  const parts = await partsOf(bin)
  const root = commonFolder(parts)
  for (const part of parts) await copyTree(part, join(target, relative(root, part)))
  return relative(root, parts[0]!)
}

/** Folders of programs, shared files and libraries, in this order. Throws when they cannot be found. */
async function partsOf(bin: string): Promise<string[]> {
  const asked = ['--bindir', '--sharedir', '--pkglibdir', '--libdir']
  const run = await runCommand(join(bin, 'pg_config'), asked, { env: {} }).catch(() => undefined)
  const [bindir, sharedir, pkglibdir, libdir] = run?.code === 0 ? run.stdout.trim().split('\n') : []
  if (bindir === undefined || sharedir === undefined || pkglibdir === undefined || libdir === undefined) {
    throw new Error(`pg_config in ${bin} does not say where the parts of this installation are`)
  }
  // The system's own library folder is found by absolute path, and is no part of PostgreSQL.
  const isOwn = libdir.startsWith(join(dirname(bindir), 'lib')) && !/^\/usr(\/local)?\/lib/.test(libdir)
  return [bindir, sharedir, ...(isOwn ? [libdir] : []), ...(isOwn && pkglibdir.startsWith(libdir) ? [] : [pkglibdir])]
}

function commonFolder(paths: readonly string[]): string {
  const [first = '', ...others] = paths.map((path) => `${resolve(path)}/`)
  let common = first
  while (others.some((path) => !path.startsWith(common))) common = `${dirname(common)}/`.replace('//', '/')
  return common
}
