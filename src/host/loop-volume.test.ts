import assert from 'node:assert/strict'
import { test } from 'node:test'
import { mountedDevice } from './loop-volume.ts'

const MOUNTS = String.raw`22 1 254:0 / / rw,relatime - ext4 /dev/vda rw
40 22 0:33 / /state/hosts/a/instances/db-A rw,noatime shared:7 - tmpfs tmpfs rw
41 22 7:3 / /state/hosts/a/instances/db-A rw,noatime shared:7 master:1 - xfs /dev/loop3 rw,attr2
42 22 7:4 / /my\040state/a\134b rw - xfs /dev/loop4 rw
`

test('the device on a folder is that of what was mounted there last', () => {
  assert.equal(mountedDevice(MOUNTS, '/state/hosts/a/instances/db-A'), '/dev/loop3')
  assert.equal(mountedDevice(MOUNTS, '/my state/a\\b'), '/dev/loop4')
})

test('a folder in or above which something is mounted has no device of its own', () => {
  for (const folder of [
    '/state/hosts/a/instances',
    '/state/hosts/a/instances/db-A/data',
    '/state/hosts/a/instances/db',
  ])
    assert.equal(mountedDevice(MOUNTS, folder), undefined)
})
