import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test, type TestContext } from 'node:test'
import { eventually } from '../../tests/support/eventually.ts'
import { openControlGroups, type ControlGroups } from './control-groups.ts'
import { placesOf } from './control-groups/places.ts'
import { treePids, treeUsage } from './process-tree.ts'

const NAME = `test-${process.pid}`
const VCPUS = 0.2

let groups: ControlGroups | undefined
let parent: ChildProcess

before(async () => {
  groups = await openControlGroups()
  // Two that would take a processor each.
  const busy = `for (;;);`
  const code = `require('child_process').spawn(process.execPath, ['-e', '${busy}'], { stdio: 'ignore' }); setImmediate(() => { ${busy} })`
  parent = spawn(process.execPath, ['-e', code], { stdio: 'ignore', detached: true })
  await eventually('parent and child', async () => ((await treePids(parent.pid!)).length === 2 ? true : undefined))
})

after(() => {
  if (parent.exitCode === null && parent.signalCode === null) process.kill(-parent.pid!, 'SIGKILL')
})

/** The groups of this host, or that the test is skipped. */
function limiting(t: TestContext): ControlGroups | undefined {
  if (!groups?.controllers.includes('cpu')) t.skip('no control groups that limit processors can be made here')
  return groups?.controllers.includes('cpu') ? groups : undefined
}

/** Processors that both use, until they have used so much. */
async function vcpusUsed(): Promise<number> {
  const usedMs = async (): Promise<number> => (await treeUsage(parent.pid!))!.cpuMs
  const [from, at] = [await usedMs(), performance.now()]
  const used = await eventually('some use', async () => {
    const ms = (await usedMs()) - from
    return ms >= 150 ? ms : undefined
  })
  return used / (performance.now() - at)
}

const membership = async (): Promise<boolean[]> =>
  Promise.all(
    (await treePids(parent.pid!)).map(async (pid) => (await readFile(`/proc/${pid}/cgroup`, 'utf8')).includes(NAME)),
  )

test('a process and its children get no more than their group', async (t) => {
  const held = limiting(t)
  if (!held) return
  await held.hold(NAME, parent.pid!, { vcpus: VCPUS, memoryBytes: 2 ** 30 })
  assert.deepEqual(await membership(), [true, true])
  // What they used of a period before they were held is not counted.
  await vcpusUsed()
  const used = await vcpusUsed()
  assert.ok(used < 2 * VCPUS, `${used} processors`)
})

test('a group that is in use stays, and has no limits when they are lifted', async (t) => {
  const held = limiting(t)
  if (!held) return
  await held.remove(NAME)
  assert.deepEqual(await membership(), [true, true])
  await held.lift(NAME)
  await eventually('more processors', async () => ((await vcpusUsed()) > 2 * VCPUS ? true : undefined))
})

test('an empty group is removed, and one that is not there is no trouble', async (t) => {
  const held = limiting(t)
  if (!held) return
  const folders = (await placesOf()).map(({ folder }) => join(folder, `holdfast-${NAME}`))
  assert.ok(folders.some((folder) => existsSync(folder)))
  process.kill(-parent.pid!, 'SIGKILL')
  await eventually('no group', async () => {
    await held.remove(NAME)
    return folders.some((folder) => existsSync(folder)) ? undefined : true
  })
  await held.remove(NAME)
  await held.lift(NAME)
})
