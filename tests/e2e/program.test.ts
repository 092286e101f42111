/** What `bin/holdfast.js` runs: what was built from the sources, never from older ones; the sources where it cannot build. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'

const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url))
const copy = mkdtempSync(join(tmpdir(), 'holdfast-program-'))
after(() => rmSync(copy, { recursive: true, force: true }))
for (const name of ['bin', 'src', 'scripts', 'package.json'])
  cpSync(join(REPOSITORY, name), join(copy, name), { recursive: true })
symlinkSync(join(REPOSITORY, 'node_modules'), join(copy, 'node_modules'))

function version(): string {
  const { stdout, stderr } = spawnSync(process.execPath, [join(copy, 'bin', 'holdfast.js'), '--version'], {
    encoding: 'utf8',
  })
  assert.equal(stderr, '')
  return stdout.trim()
}

function setVersion(value: string): void {
  const path = join(copy, 'package.json')
  const manifest = JSON.parse(readFileSync(path, 'utf8')) as object
  writeFileSync(path, JSON.stringify({ ...manifest, version: value }))
}

test('the first start builds, and a later one builds anew what has changed', () => {
  const built = join(copy, 'dist', 'main.js')
  assert.equal(existsSync(built), false)
  setVersion('1.0.0')
  assert.equal(version(), '1.0.0')
  assert.ok(existsSync(built))
  setVersion('1.0.1')
  assert.equal(version(), '1.0.1')
})

test('what was built is what runs', () => {
  const built = join(copy, 'dist', 'main.js')
  const source = readFileSync(built, 'utf8')
  writeFileSync(built, "console.log('built')\n")
  assert.equal(version(), 'built')
  writeFileSync(built, source)
})

test('where nothing can be built the sources run', () => {
  rmSync(join(copy, 'dist'), { recursive: true })
  writeFileSync(join(copy, 'dist'), 'a file where a folder has to be')
  assert.equal(version(), '1.0.1')
})
