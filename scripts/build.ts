/**
 * Puts the sources together into a few files in `dist/`, which start in half the time: of a start from single sources
 * most is finding hundreds of files. `bin/holdfast.js` does this by itself when a source is newer; sources run as well.
 */
import {
  cpSync,
  globSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build as bundle, stop } from 'esbuild'

const REPOSITORY = fileURLToPath(new URL('..', import.meta.url))
const FOLDER = join(REPOSITORY, 'dist')
/** The only file with a fixed name; the others have a hash of their content in theirs. */
const MAIN = join(FOLDER, 'main.js')

/** What an older build left stays this long: a process that runs from it may still load a part of it. */
const KEPT_MS = 24 * 3_600_000

/** Returns the path of the program. Two at once write the same, and each file appears whole. */
export async function build(): Promise<string> {
  // A source that changes while we read is newer than the program then.
  const startedAt = new Date()
  const { outputFiles } = await bundle({
    absWorkingDir: REPOSITORY,
    entryPoints: ['src/main.ts'],
    outdir: FOLDER,
    bundle: true,
    splitting: true,
    platform: 'node',
    format: 'esm',
    target: 'node24.12',
    packages: 'external',
    keepNames: true,
    legalComments: 'none',
    logLevel: 'error',
    write: false,
  })
  // Its process would stay for as long as ours.
  await stop()
  mkdirSync(FOLDER, { recursive: true })
  // Read when asked for, by a name that is put together then: src/catalog/postgres-settings.ts.
  for (const file of globSync('src/catalog/gen/*.json', { cwd: REPOSITORY }))
    cpSync(join(REPOSITORY, file), join(FOLDER, 'gen', basename(file)))
  // The program last: what it loads is there before it.
  for (const { path, contents } of outputFiles.filter((one) => one.path !== MAIN)) place(path, contents)
  for (const { path, contents } of outputFiles.filter((one) => one.path === MAIN)) place(path, contents, startedAt)
  removeOld(new Set(outputFiles.map(({ path }) => path)))
  return MAIN
}

function place(path: string, contents: Uint8Array, time?: Date): void {
  const written = `${path}.${process.pid}`
  writeFileSync(written, contents)
  if (time) utimesSync(written, time, time)
  renameSync(written, path)
}

function removeOld(current: ReadonlySet<string>): void {
  for (const name of readdirSync(FOLDER)) {
    const path = join(FOLDER, name)
    if (!name.includes('.js') || current.has(path)) continue
    const age = Date.now() - (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0)
    if (age > KEPT_MS) rmSync(path, { force: true })
  }
}

if (import.meta.main) await build()
