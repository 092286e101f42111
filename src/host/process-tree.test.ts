import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import test from 'node:test'
import { treeUsage } from './process-tree.ts'

const linux = process.platform === 'linux' ? false : 'Linux alone shows what processes use'
const BURN = `const until = process.cpuUsage().user + 200_000; while (process.cpuUsage().user < until);`

test('the time of a child that has ended stays in the sum', { skip: linux }, async () => {
  const code = `require('child_process').spawnSync(process.execPath, ['-e', ${JSON.stringify(BURN)}]); console.log('up'); setInterval(() => {}, 1e6)`
  const parent = spawn(process.execPath, ['-e', code], { stdio: ['ignore', 'pipe', 'ignore'] })
  try {
    await once(parent.stdout, 'data')
    const usage = await treeUsage(parent.pid!)
    assert.ok(usage && usage.cpuMs >= 200, `${usage?.cpuMs} ms`)
  } finally {
    parent.kill('SIGKILL')
  }
})

test('memory of a running child counts', { skip: linux }, async () => {
  const child = `const b = Buffer.alloc(96 << 20, 1); console.log(b.length); setInterval(() => b.length, 1e6)`
  const code = `require('child_process').spawn(process.execPath, ['-e', ${JSON.stringify(child)}], { stdio: 'inherit' }); setInterval(() => {}, 1e6)`
  const parent = spawn(process.execPath, ['-e', code], { stdio: ['ignore', 'pipe', 'ignore'], detached: true })
  try {
    await once(parent.stdout, 'data')
    const usage = await treeUsage(parent.pid!)
    assert.ok(usage && usage.memoryBytes > 96 << 20, `${usage?.memoryBytes} bytes`)
  } finally {
    process.kill(-parent.pid!, 'SIGKILL')
  }
})

test('of a process that is gone nothing is known', async () => {
  const child = spawn(process.execPath, ['-e', ''])
  await once(child, 'exit')
  assert.equal(await treeUsage(child.pid!), undefined)
})
