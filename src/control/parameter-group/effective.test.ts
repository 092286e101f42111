import assert from 'node:assert/strict'
import { test } from 'node:test'
import { GIB } from '#base/bytes.ts'
import { parameterFamilies } from '#catalog/families.ts'
import { instanceClasses } from '#catalog/instance-classes.ts'
import { familyParameters } from '#catalog/rds-parameters.ts'
import { driverOwnedSettings } from '#engine/postgres/owned-settings.ts'
import { changeKind, effectiveSettings, targetLagSeconds } from './effective.ts'
import type { EffectiveInput } from './effective.ts'

const input: EffectiveInput = {
  family: 'postgres18',
  values: {},
  classMemoryBytes: 8 * GIB,
  classVcpus: 2,
  hostMemoryBytes: 64 * GIB,
  allocatedStorageGiB: 20,
  port: 5432,
}

test('formulas are evaluated for the class', () => {
  const { settings } = effectiveSettings(input)
  assert.equal(settings['shared_buffers'], '262144')
  assert.equal(settings['max_connections'], '901')
  assert.equal(settings['max_worker_processes'], '8')
  assert.equal(effectiveSettings({ ...input, classVcpus: 16 }).settings['max_worker_processes'], '32')
})

test('memory is never more than the host has', () => {
  const { settings } = effectiveSettings({ ...input, classMemoryBytes: 768 * GIB, hostMemoryBytes: 4 * GIB })
  assert.equal(settings['shared_buffers'], String((4 * GIB) / 32_768))
})

test('settings that can change live follow another size, and connections have a limit of their own', () => {
  const { scaled, settings } = effectiveSettings({ ...input, connectionsMax: 500 })
  assert.ok('effective_cache_size' in scaled && 'maintenance_work_mem' in scaled)
  assert.ok(!('shared_buffers' in scaled) && !('max_connections' in scaled))
  assert.equal(settings['max_connections'], '500')
  assert.equal(effectiveSettings({ ...input, connectionsMax: 2000 }).settings['max_connections'], '901')
  const fixed = effectiveSettings({ ...input, values: { effective_cache_size: '1000' } })
  assert.ok(!('effective_cache_size' in fixed.scaled))
})

test('the values of the user come before those of the family', () => {
  const values = {
    max_connections: '50',
    work_mem: 'LEAST({DBInstanceClassMemory/1048576},64)',
    timezone: 'Europe/Vienna',
  }
  const { settings } = effectiveSettings({ ...input, values })
  assert.equal(settings['max_connections'], '50')
  assert.equal(settings['work_mem'], '64')
  assert.equal(settings['timezone'], 'Europe/Vienna')
})

test('parameters of RDS become what they mean, and are not given to the engine', () => {
  assert.equal(effectiveSettings(input).requireTls, true)
  assert.equal(effectiveSettings({ ...input, family: 'postgres14' }).requireTls, false)
  const changed = effectiveSettings({ ...input, values: { 'rds.force_ssl': '0', 'rds.logical_replication': '1' } })
  assert.equal(changed.requireTls, false)
  assert.equal(changed.settings['wal_level'], 'logical')
  assert.equal(effectiveSettings(input).settings['wal_level'], 'replica')
  assert.deepEqual(
    Object.keys(changed.settings).filter((name) => name.startsWith('rds.')),
    [],
  )
})

test('what belongs to the driver is never given to it, and no user can set it', () => {
  for (const family of parameterFamilies) {
    const { settings } = effectiveSettings({ ...input, family })
    for (const name of driverOwnedSettings) {
      assert.equal(settings[name], undefined, name)
      assert.notEqual(familyParameters(family)!.get(name)?.isModifiable, true, name)
    }
  }
})

test('every class gets numbers within the range of each parameter', () => {
  for (const family of parameterFamilies)
    for (const { memoryBytes, vcpus } of instanceClasses) {
      const { settings } = effectiveSettings({
        ...input,
        family,
        classMemoryBytes: memoryBytes,
        classVcpus: vcpus,
        hostMemoryBytes: 4096 * GIB,
      })
      for (const [name, value] of Object.entries(settings)) assert.doesNotMatch(value, /[{}]|NaN|Infinity/, name)
    }
  const tiny = effectiveSettings({ ...input, values: { shared_buffers: '{DBInstanceClassMemory/8796093022208}' } })
  assert.equal(tiny.settings['shared_buffers'], '16')
})

test('changes are told apart by when they take effect', () => {
  assert.deepEqual(changeKind('postgres18', ['work_mem', 'shared_buffers', 'rds.force_ssl', 'no_such']), {
    static: ['shared_buffers'],
    dynamic: ['work_mem', 'rds.force_ssl'],
  })
})

test('flow control of a DB cluster is on unless it is taken out, and the engine hears nothing of it', () => {
  const { settings } = effectiveSettings({ ...input, kind: 'cluster' })
  assert.equal(settings['shared_preload_libraries'], 'pg_stat_statements')
  assert.equal(Object.hasOwn(settings, 'flow_control.target_standby_apply_lag'), false)
  assert.equal(targetLagSeconds('postgres18', {}), 120)
  assert.equal(targetLagSeconds('postgres18', { 'flow_control.target_standby_apply_lag': '5' }), 5)
  const without = { shared_preload_libraries: 'auto_explain, pg_stat_statements' }
  assert.equal(targetLagSeconds('postgres18', without), undefined)
  assert.equal(targetLagSeconds('postgres18', { shared_preload_libraries: 'auto_explain, flow_control' }), 120)
  assert.equal(familyParameters('postgres18')!.has('flow_control.target_standby_apply_lag'), false)
})
