import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { DAY_MS, HOUR_MS, MINUTE_MS } from '#base/durations.ts'
import {
  chooseWindows,
  openedAt,
  parseBackupWindow,
  parseMaintenanceWindow,
  requireDatabaseName,
  requireIdentifier,
  requireMasterPassword,
  requireMasterUsername,
  requirePort,
  untilOpen,
  untilOpening,
  windowsOverlap,
} from './identifiers.ts'

const refused = { name: 'InvalidParameterValue' }

test('an identifier is folded to lower case', () => {
  assert.equal(requireIdentifier('DBInstanceIdentifier', 'My-DB-1'), 'my-db-1')
})

test('identifiers that RDS refuses are refused', () => {
  for (const id of ['', '1db', '-db', 'db-', 'a--b', 'a_b', 'dä', 'a'.repeat(64), 'a/b', 'a b'])
    assert.throws(() => requireIdentifier('DBInstanceIdentifier', id), refused, id)
})

test('a master user cannot have a name that the engine or RDS keeps', () => {
  for (const name of ['rdsadmin', 'RDSADMIN', 'pg_monitor', 'rds_superuser', '1a', 'a-b', 'a'.repeat(64)])
    assert.throws(() => requireMasterUsername(name), refused, name)
  assert.equal(requireMasterUsername('postgres'), 'postgres')
})

test('a master password is 8 to 128 printable characters without slash, at, quote and space', () => {
  for (const password of [
    'short',
    'x'.repeat(129),
    'with space1',
    'with/slash',
    'with@sign',
    'with"quote',
    'wíth-accent',
  ])
    assert.throws(() => requireMasterPassword(password), refused, password)
  assert.equal(requireMasterPassword('a-good-1'), 'a-good-1')
})

test('a database cannot take the name of a template', () => {
  for (const name of ['template1', 'rdsadmin', '1a', 'a-b'])
    assert.throws(() => requireDatabaseName(name), refused, name)
})

test('ports below 1150 are refused', () => {
  assert.throws(() => requirePort('Port', 1149), refused)
  assert.throws(() => requirePort('Port', 65_536), refused)
  assert.equal(requirePort('Port', 1150), 1150)
})

test('a window shorter than half an hour, longer than a day or malformed is refused', () => {
  for (const text of ['05:00-05:29', '5:00-6:00', '24:00-01:00', ''])
    assert.throws(() => parseBackupWindow(text), refused, text)
  for (const text of ['mon:05:00-mon:05:29', 'mon:05:00-tue:05:01', 'xxx:05:00-mon:06:00', '05:00-06:00'])
    assert.throws(() => parseMaintenanceWindow(text), refused, text)
})

test('windows may run over midnight and over the end of the week', () => {
  assert.equal(parseBackupWindow('23:45-00:30').lengthMs, 45 * MINUTE_MS)
  assert.equal(parseMaintenanceWindow('sat:23:00-sun:01:00').lengthMs, 2 * HOUR_MS)
})

test('a backup window overlaps a maintenance window that it meets on any day', () => {
  const overlaps = (backup: string, maintenance: string): boolean =>
    windowsOverlap(parseBackupWindow(backup), parseMaintenanceWindow(maintenance))
  assert.equal(overlaps('05:00-06:00', 'wed:05:30-wed:06:30'), true)
  assert.equal(overlaps('23:30-00:30', 'sun:00:00-sun:00:45'), true)
  assert.equal(overlaps('00:10-00:45', 'sat:23:30-sun:00:30'), true)
  assert.equal(overlaps('05:00-06:00', 'wed:06:00-wed:07:00'), false)
})

test('windows that are chosen fit each other, whatever is drawn', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 3, maxLength: 3 }), fc.nat(2 * DAY_MS), (draw, now) => {
      const none = { backup: undefined, maintenance: undefined }
      const { backup, maintenance } = chooseWindows(none, Buffer.from(draw), { now, quietMs: 2 * HOUR_MS })!
      const window = parseBackupWindow(backup)
      return !windowsOverlap(window, parseMaintenanceWindow(maintenance)) && untilOpen(window, now) >= 2 * HOUR_MS
    }),
  )
})

test('a window is chosen that keeps clear of the one that is given, where there is one', () => {
  const choose = (backup: string | undefined, maintenance: string | undefined): string => {
    const chosen = chooseWindows({ backup, maintenance }, Buffer.alloc(3), { now: 0, quietMs: 2 * HOUR_MS })
    return chosen ? `${chosen.backup} ${chosen.maintenance}` : 'none'
  }
  assert.equal(choose(undefined, 'mon:00:00-mon:04:00'), '04:00-04:30 mon:00:00-mon:04:00')
  assert.equal(choose(undefined, 'mon:02:00-mon:08:00'), '00:00-00:30 mon:02:00-mon:08:00')
  assert.equal(choose(undefined, 'sun:20:00-mon:09:00'), 'none')
  assert.equal(choose('11:00-13:00', undefined), '11:00-13:00 sun:13:00-sun:13:30')
  assert.equal(choose('01:00-23:30', undefined), 'none')
  assert.equal(choose('05:00-06:00', 'sun:05:30-sun:06:00'), 'none')
})

test('a window that is open opened before, and one that is shut opens again', () => {
  const window = parseBackupWindow('23:45-00:30')
  const midnight = Date.UTC(2026, 0, 4)
  assert.equal(openedAt(window, midnight), midnight - 15 * MINUTE_MS)
  assert.equal(untilOpen(window, midnight), 0)
  assert.equal(untilOpening(window, midnight), DAY_MS - 15 * MINUTE_MS)
  assert.equal(untilOpen(window, midnight + 30 * MINUTE_MS), DAY_MS - 45 * MINUTE_MS)
})

test('the time until a maintenance window is counted from the weekday in UTC', () => {
  const window = parseMaintenanceWindow('mon:03:00-mon:04:00')
  // 2026-01-04 is a Sunday.
  const sunday = Date.UTC(2026, 0, 4)
  assert.equal(untilOpen(window, sunday), DAY_MS + 3 * HOUR_MS)
  assert.equal(untilOpen(window, sunday + DAY_MS + 3 * HOUR_MS), 0)
  assert.equal(untilOpen(window, sunday + DAY_MS + 4 * HOUR_MS), 7 * DAY_MS - HOUR_MS)
})
