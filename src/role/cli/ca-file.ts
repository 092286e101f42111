import { homedir } from 'node:os'
import { join } from 'node:path'
import { makeFolder, readText, writeFileDurably } from '#host/disk.ts'
import { caPem } from './holdfast-api.ts'
import type { Target } from './target.ts'

/**
 * Path of a file with the CA certificates of that Holdfast, for clients that verify. It stays there, so that what was
 * printed can be used later; each endpoint has its own.
 */
export async function fetchCaFile(target: Target, env: Readonly<Record<string, string | undefined>>): Promise<string> {
  const pem = await caPem(target)
  const folder = join(env['XDG_CACHE_HOME'] || join(env['HOME'] || homedir(), '.cache'), 'holdfast')
  const path = join(folder, `ca-${new URL(target.endpoint).host.replace(/[^\w.]+/g, '-')}.pem`)
  // Left alone where it is right: another process may be reading it.
  if ((await readText(path)) !== pem) {
    await makeFolder(folder)
    await writeFileDurably(path, pem, { mode: 0o644 })
  }
  return path
}
