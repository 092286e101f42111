import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'

const door = new URL('./crash-point.ts', import.meta.url).href

function run(crashAt: string | undefined): ReturnType<typeof spawnSync> {
  const script = `import { crashPoint } from '${door}'; crashPoint('agent:one'); crashPoint('agent:two'); console.log('end')`
  const { HOLDFAST_CRASH_AT: _, ...env } = process.env
  return spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    env: crashAt === undefined ? env : { ...env, HOLDFAST_CRASH_AT: crashAt },
  })
}

test('a process dies at the named point and at no other', () => {
  assert.equal(run('agent:two').signal, 'SIGKILL')
  assert.equal(run('agent:two,agent:one').signal, 'SIGKILL')
  assert.equal(run('agent:three').status, 0)
  assert.equal(run('agent:three,agent:one').status, 0, 'the second point is for the next process')
  assert.equal(run(undefined).status, 0)
})
