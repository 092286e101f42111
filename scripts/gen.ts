/**
 * Writes every generated file: `node scripts/gen.ts`. With `--check` it writes nothing and exits 1 when a file differs
 * from what would be written. With `--engines` also what is asked of engines.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { coverage } from './gen/coverage.ts'
import { enums } from './gen/enums.ts'
import { lockFile } from './gen/lock-file.ts'
import { postgresSettings } from './gen/postgres-settings.ts'

export interface Generator {
  /** From the root of the repository. */
  readonly output: string
  /** The whole file. The same for the same sources, whoever runs it and when. */
  make(): Promise<string>
}

/** Those that need engines fetch seven majors: they run when they are asked for, and a test holds one of them against its engine. */
const generators: readonly Generator[] = [
  lockFile,
  enums,
  coverage,
  ...(process.argv.includes('--engines') ? postgresSettings : []),
]

const root = path.resolve(import.meta.dirname, '..')
const check = process.argv.includes('--check')

for (const { output, make } of generators) {
  const file = path.join(root, output)
  const text = await make()
  const before = await readFile(file, 'utf8').catch(() => undefined)
  if (before === text) continue
  if (check) {
    console.error(`${output} is not what its generator makes: run npm run gen`)
    process.exitCode = 1
  } else {
    await mkdir(path.dirname(file), { recursive: true })
    await writeFile(file, text)
    console.log(`wrote ${output}`)
  }
}
