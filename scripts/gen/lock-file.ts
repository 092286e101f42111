/**
 * package-lock.json with an entry for every optional package. Where a registry has not got the builds for some platform,
 * `npm install` leaves them out of the lock file without a word, and `npm ci` then refuses it on every machine.
 */
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import type { Generator } from '../gen.ts'

interface Entry {
  readonly version?: string
  readonly cpu?: readonly string[]
  readonly libc?: readonly string[]
  readonly optional?: boolean
  readonly os?: readonly string[]
  readonly optionalDependencies?: Readonly<Record<string, string>>
}

interface Lock {
  readonly packages: Readonly<Record<string, Entry>>
}

const FILE = path.resolve(import.meta.dirname, '..', '..', 'package-lock.json')

export const lockFile: Generator = {
  output: 'package-lock.json',
  async make() {
    const lock = JSON.parse(await readFile(FILE, 'utf8')) as Lock
    const missing = Object.entries(lock.packages).flatMap(([folder, { optionalDependencies = {} }]) =>
      Object.entries(optionalDependencies)
        .filter(([name]) => !lock.packages[`node_modules/${name}`] && !lock.packages[`${folder}/node_modules/${name}`])
        .map(([name, version]): [string, Entry] => [`node_modules/${name}`, entryOf(name, version)]),
    )
    const packages = Object.fromEntries(
      [...Object.entries(lock.packages), ...missing].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)),
    )
    return `${JSON.stringify({ ...lock, packages }, undefined, 2)}\n`
  },
}

/** Such packages name their platform: `@oxlint/binding-linux-arm64-musl`. */
function entryOf(name: string, version: string): Entry {
  const [, os, cpu, libc] = /(android|darwin|freebsd|linux|openharmony|win32)-([a-z0-9]+)(?:-(\w+))?$/.exec(name) ?? []
  if (os === undefined || cpu === undefined) throw new Error(`${name} does not name a platform: what is it?`)
  const hasLibc = os === 'linux' && (libc === 'gnu' || libc === 'musl')
  return {
    version: version.replace(/^[\^~]/, ''),
    cpu: [cpu],
    ...(hasLibc && { libc: [libc === 'gnu' ? 'glibc' : 'musl'] }),
    optional: true,
    os: [os],
  }
}
