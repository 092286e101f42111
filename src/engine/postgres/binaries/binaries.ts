/** The programs of one exact version, in a folder of our own that the engines' account can read. */
import { join } from 'node:path'
import { readText } from '#host/disk.ts'

export interface Binaries {
  readonly postgres: string
  readonly initdb: string
}

/** `engine.json`, written last: without it a folder is not complete. */
interface EngineFile {
  readonly version: string
  /** Where the programs are, relative to the folder. Other parts lie relative to them as they were built. */
  readonly bin: string
}

export const ENGINE_FILE = 'engine.json'

export function binariesFolder(enginesFolder: string, version: string): string {
  return join(enginesFolder, 'postgres', version)
}

/** Undefined when this version is not in the store, or not whole. */
export async function storedBinaries(enginesFolder: string, version: string): Promise<Binaries | undefined> {
  const folder = binariesFolder(enginesFolder, version)
  const text = await readText(join(folder, ENGINE_FILE))
  if (text === undefined) return undefined
  const { bin } = JSON.parse(text) as EngineFile
  return { postgres: join(folder, bin, 'postgres'), initdb: join(folder, bin, 'initdb') }
}

export function engineFileText(file: EngineFile): string {
  return `${JSON.stringify(file)}\n`
}
