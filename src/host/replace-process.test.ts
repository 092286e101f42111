import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { findExecutable } from './replace-process.ts'

const folder = mkdtempSync(join(tmpdir(), 'holdfast-replace-'))
after(() => rmSync(folder, { recursive: true, force: true }))

test('a program is found where it can be run, in the order of the search path', async () => {
  const path = join(folder, 'tool')
  writeFileSync(path, '#!/bin/sh\n', { mode: 0o644 })
  assert.equal(await findExecutable('tool', `/nonexistent::${folder}`), undefined)
  chmodSync(path, 0o755)
  assert.equal(await findExecutable('tool', `/nonexistent::${folder}`), path)
  assert.equal(await findExecutable('tool', undefined), undefined)
})

test('a replaced process has the arguments, the environment and the status of the program', () => {
  const door = new URL('./replace-process.ts', import.meta.url).href
  const script = `import { replaceProcess } from '${door}'
    process.on('exit', () => console.log('never'))
    replaceProcess('/bin/sh', ['-c', 'echo "$$ $WORD $1"; exit 7', 'sh', 'an argument'], { WORD: 'word' })`
  const child = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' })
  assert.equal(child.stdout, `${child.pid} word an argument\n`, child.stderr)
  assert.equal(child.status, 7)
})
