import assert from 'node:assert/strict'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { SimulatedClock } from '#host/simulated-clock.ts'
import { diskVolumes } from './disk-volumes.ts'

const clock = new SimulatedClock()
const root = mkdtempSync(join(tmpdir(), 'holdfast-volumes-'))
after(() => rmSync(root, { recursive: true, force: true }))

const open = () =>
  diskVolumes({
    host: join(root, 'a'),
    snapshots: join(root, 'snapshots'),
    account: undefined,
    clock,
    makesVolumes: false,
  })
const facts = { sizeBytes: 3, engineVersion: '17.10' }

test('others may pass through the folders but not list them', async () => {
  await open()
  for (const folder of ['a/instances', 'snapshots']) assert.equal(statSync(join(root, folder)).mode & 0o777, 0o711)
})

test('a snapshot is there from when it is recorded, for every host, until it is removed', async () => {
  const volumes = await open()
  mkdirSync(volumes.snapshotFolder('s1'))
  writeFileSync(join(volumes.snapshotFolder('s1'), 'data'), 'abc')
  assert.equal(await volumes.snapshot('s1'), undefined)
  await volumes.recordSnapshot('s1', facts)
  assert.deepEqual(await (await open()).snapshot('s1'), facts)
  await volumes.copySnapshot('s1', 's2', new AbortController().signal)
  assert.equal(await volumes.snapshot('s2'), undefined)
  await volumes.recordSnapshot('s2', facts)
  await volumes.removeSnapshot('s1')
  assert.equal(await volumes.snapshot('s1'), undefined)
  assert.equal(existsSync(volumes.snapshotFolder('s1')), false)
  assert.equal(readFileSync(join(volumes.snapshotFolder('s2'), 'data'), 'utf8'), 'abc')
})

test('an id that is a path is refused before anything is deleted', async () => {
  const volumes = await open()
  for (const id of ['', '.', '..', '../a', 'a/b', '/etc']) {
    assert.throws(() => volumes.instanceFolder(id), /plain id/)
    await assert.rejects(volumes.removeInstance(id), /plain id/)
  }
})

test('removing an instance removes its folder', async () => {
  const volumes = await open()
  mkdirSync(join(volumes.instanceFolder('db-A'), 'data'), { recursive: true })
  await volumes.removeInstance('db-A')
  await volumes.removeInstance('db-A')
  assert.equal(existsSync(volumes.instanceFolder('db-A')), false)
})
