import assert from 'node:assert/strict'
import test from 'node:test'
import { hierarchiesIn } from './places.ts'

const CPU = '31 30 0:27 / /sys/fs/cgroup/cpu,cpuacct rw,relatime shared:9 - cgroup cgroup rw,cpu,cpuacct'
const MEMORY = '34 30 0:30 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory'
const UNIFIED = '30 24 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate'

test('a group of version 2 is found below its mount', () => {
  const [found, ...others] = hierarchiesIn('0::/user.slice/app.scope\n', `${UNIFIED}\n`)
  assert.deepEqual(others, [])
  assert.deepEqual(found, {
    version: 2,
    folder: '/sys/fs/cgroup/user.slice/app.scope',
    isRoot: false,
    controllers: [],
  })
  assert.equal(hierarchiesIn('0::/\n', UNIFIED)[0]!.isRoot, true)
})

test('groups of version 1 are found by their controllers, and others are not of use', () => {
  const groups = '5:devices:/\n4:memory:/box/7\n2:cpu,cpuacct:/\n1:name=systemd:/init.scope\n'
  assert.deepEqual(
    hierarchiesIn(groups, [CPU, MEMORY].join('\n')).map(({ folder, controllers }) => [folder, ...controllers]),
    [
      ['/sys/fs/cgroup/memory/box/7', 'memory'],
      ['/sys/fs/cgroup/cpu,cpuacct', 'cpu'],
    ],
  )
})

test('of a part that is mounted paths begin above it', () => {
  const part = MEMORY.replace(' / ', ' /docker/7 ')
  const [found] = hierarchiesIn('4:memory:/docker/7/inner\n', part)
  assert.equal(found!.folder, '/sys/fs/cgroup/memory/inner')
})

test('a system without control groups has no place for them', () => {
  assert.deepEqual(hierarchiesIn('', ''), [])
  assert.deepEqual(hierarchiesIn('4:memory:/\n', UNIFIED), [])
})
