/** A data volume without space: needs a small file system of its own, and so root on Linux. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, statfsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { EngineError } from '#engine/engine.ts'
import { isDiskFull } from '#host/disk.ts'
import { never, openPostgresBench } from '../support/postgres-bench.ts'

/** Of the system; no package brings them. */
const [MOUNT, UNMOUNT] = ['mount', 'umount']
const MIB = 1_024 * 1_024

test('a full disk is reported as such, while a volume is made and when the engine starts', async (t) => {
  const bench = await openPostgresBench()
  const small = join(bench.root, 'small')
  mkdirSync(small)
  const mounted = spawnSync(MOUNT, ['-t', 'tmpfs', '-o', 'size=60m,mode=711', 'tmpfs', small])
  try {
    if (mounted.status !== 0) return t.skip('this account may not mount a file system')
    const spec = await bench.spec()
    const folder = join(small, 'instance')
    const fill = (leaveBytes: number): void => {
      const { bavail, bsize } = statfsSync(small)
      writeFileSync(join(small, 'filler'), Buffer.alloc(Math.max(bavail * bsize - leaveBytes, 0)))
    }
    await bench.driver.prepare(spec.version, () => {})
    fill(8 * MIB)
    await assert.rejects(bench.driver.initialize(folder, spec, never), isDiskFull)
    writeFileSync(join(small, 'filler'), '')
    await bench.driver.initialize(folder, spec, never)
    await bench.driver.configure(folder, spec)
    chmodSync(small, 0o711)
    fill(0)
    const isFull = (error: unknown): boolean =>
      isDiskFull(error) || (error instanceof EngineError && error.code === 'disk-full')
    await assert.rejects(bench.driver.start(folder, spec, never), isFull)
    writeFileSync(join(small, 'filler'), '')
    const engine = bench.started(await bench.driver.start(folder, spec, never))
    await bench.driver.stop(engine, 'fast', 20_000)
  } finally {
    if (mounted.status === 0) spawnSync(UNMOUNT, ['-l', small])
    await bench.close()
  }
})
