import assert from 'node:assert/strict'
import { test } from 'node:test'
import { familyParameters, allowedValues, complaintOfValue } from './rds-parameters.ts'
import { parameterFamilies } from './families.ts'
import { evaluateFormula, isFormula, parseFormula } from './formula.ts'
import { GIB } from '#base/bytes.ts'

function parameter(name: string, family = 'postgres18') {
  const found = familyParameters(family)?.get(name)
  assert.ok(found, `${family} has ${name}`)
  return found
}

test('every family has its parameters in the order of their names, in lower case', () => {
  for (const family of parameterFamilies) {
    const names = [...familyParameters(family)!.keys()]
    assert.ok(names.length > 200, `${family} has ${names.length} parameters`)
    assert.deepEqual(names, names.map((name) => name.toLowerCase()).sort())
  }
  assert.equal(familyParameters('postgres9.6'), undefined)
})

test('every value that RDS sets differently is of a parameter that the family has, and is allowed', () => {
  for (const family of parameterFamilies)
    for (const { familyValue, ...rest } of familyParameters(family)!.values()) {
      if (familyValue === undefined) continue
      const formula = isFormula(familyValue) && rest.dataType !== 'string' ? parseFormula(familyValue) : undefined
      const value = formula
        ? String(
            evaluateFormula(formula, {
              AllocatedStorage: GIB,
              DBInstanceClassMemory: GIB,
              DBInstanceVCPU: 2,
              EndPointPort: 5432,
            }),
          )
        : familyValue
      assert.equal(
        complaintOfValue({ ...rest, familyValue }, value),
        undefined,
        `${family} ${rest.name} ${familyValue}`,
      )
    }
  for (const name of ['max_connections', 'shared_buffers', 'max_wal_senders', 'timezone', 'shared_preload_libraries'])
    for (const family of parameterFamilies)
      assert.ok(familyParameters(family, 'cluster')!.get(name)?.familyValue, `${family} ${name}`)
})

test('groups of Aurora instances lack what all of a cluster must agree on, and have the rest', () => {
  const family = 'aurora-postgresql18'
  const [ofClusters, ofInstances] = [familyParameters(family, 'cluster')!, familyParameters(family)!]
  for (const name of ['rds.force_ssl', 'max_connections', 'timezone', 'wal_sender_timeout', 'autovacuum_naptime']) {
    assert.ok(ofClusters.has(name), name)
    assert.equal(ofInstances.has(name), false, name)
  }
  for (const name of ['work_mem', 'log_autovacuum_min_duration', 'shared_buffers', 'log_min_duration_statement'])
    assert.ok(ofInstances.has(name), name)
  assert.equal(ofClusters.has('flow_control.target_standby_apply_lag'), false, 'that is of Multi-AZ DB clusters')
})

test('what the engine reads only at its start is static', () => {
  assert.equal(parameter('shared_buffers').applyType, 'static')
  assert.equal(parameter('max_connections').applyType, 'static')
  assert.equal(parameter('rds.logical_replication').applyType, 'static')
  assert.equal(parameter('pg_stat_statements.max').applyType, 'static')
  assert.equal(parameter('work_mem').applyType, 'dynamic')
  assert.equal(parameter('log_min_duration_statement').applyType, 'dynamic')
  assert.equal(parameter('rds.force_ssl').applyType, 'dynamic')
})

test('what would open the host or belongs to the driver cannot be modified, and paths are not shown', () => {
  const closed = [
    'archive_command',
    'archive_library',
    'dynamic_library_path',
    'fsync',
    'full_page_writes',
    'jit_provider',
    'listen_addresses',
    'local_preload_libraries',
    'log_directory',
    'logging_collector',
    'oauth_validator_libraries',
    'port',
    'session_preload_libraries',
    'ssl',
    'ssl_cert_file',
    'ssl_key_file',
    'ssl_passphrase_command',
    'superuser_reserved_connections',
    'unix_socket_directories',
    'wal_level',
    'rds.log_retention_period',
  ]
  for (const name of closed) assert.equal(parameter(name).isModifiable, false, name)
  for (const name of [
    'data_directory',
    'hba_file',
    'restore_command',
    'allow_system_table_mods',
    'block_size',
    'external_pid_file',
  ])
    for (const family of parameterFamilies) assert.equal(familyParameters(family)!.has(name), false, name)
})

test('what the driver sees to is shown as it is', () => {
  assert.equal(parameter('ssl').familyValue, '1')
  assert.equal(parameter('port').familyValue, '{EndPointPort}')
  assert.equal(parameter('ssl').isModifiable, false)
})

test('TLS is forced from version 15 on', () => {
  assert.equal(parameter('rds.force_ssl', 'postgres14').familyValue, '0')
  assert.equal(parameter('rds.force_ssl', 'postgres15').familyValue, '1')
})

test('allowed values are written as RDS writes them', () => {
  assert.equal(allowedValues(parameter('autovacuum')), '0,1')
  assert.equal(allowedValues(parameter('max_connections')), '1-262143')
  assert.equal(allowedValues(parameter('log_min_duration_statement')), '-1-2147483647')
  assert.equal(allowedValues(parameter('checkpoint_completion_target')), '0-1')
  assert.match(allowedValues(parameter('log_statement'))!, /^none,ddl,mod,all$/)
  assert.equal(allowedValues(parameter('search_path')), undefined)
})

test('values are accepted or refused by their type', () => {
  const accepted: readonly (readonly [string, string])[] = [
    ['max_connections', '500'],
    ['log_min_duration_statement', '-1'],
    ['random_page_cost', '1.1'],
    ['autovacuum_vacuum_scale_factor', '1e-2'],
    ['autovacuum', '0'],
    ['log_statement', 'ddl'],
    ['shared_preload_libraries', 'pg_stat_statements, auto_explain'],
    ['search_path', '"$user", public'],
  ]
  for (const [name, value] of accepted)
    assert.equal(complaintOfValue(parameter(name), value), undefined, `${name}=${value}`)
  const refused: readonly (readonly [string, string])[] = [
    ['max_connections', '0'],
    ['max_connections', '262144'],
    ['max_connections', '5.5'],
    ['max_connections', '100MB'],
    ['max_connections', ''],
    ['random_page_cost', 'NaN'],
    ['random_page_cost', '0x10'],
    ['autovacuum', 'on'],
    ['log_statement', 'some'],
    ['shared_preload_libraries', 'evil'],
    ['search_path', "public\narchive_command = 'x'"],
    ['log_line_prefix', '%u'],
    ['password_encryption', 'md5'],
  ]
  for (const [name, value] of refused)
    assert.match(
      complaintOfValue(parameter(name), value) ?? '',
      new RegExp(`for: ${name} allowed values are: `),
      `${name}=${value}`,
    )
  assert.equal(
    complaintOfValue(parameter('max_connections'), '0'),
    'Invalid parameter value: 0 for: max_connections allowed values are: 1-262143',
  )
})
