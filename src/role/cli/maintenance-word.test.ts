import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DAY_MS } from '#base/durations.ts'
import { maintenanceWord } from './maintenance-word.ts'

const NOW = Date.UTC(2026, 0, 1)
const inDays = (days: number): Date => new Date(NOW + days * DAY_MS)

test('maintenance is named as the console of RDS names it', () => {
  assert.equal(maintenanceWord([], 'available', NOW), undefined)
  assert.equal(maintenanceWord([{}], 'available', NOW), 'available')
  assert.equal(maintenanceWord([{ CurrentApplyDate: inDays(9) }], 'available', NOW), 'required')
  assert.equal(maintenanceWord([{ CurrentApplyDate: inDays(3) }], 'available', NOW), 'next window')
  assert.equal(maintenanceWord([{ OptInStatus: 'next-maintenance' }], 'stopped', NOW), 'next window')
  assert.equal(maintenanceWord([{ CurrentApplyDate: inDays(9) }], 'upgrading', NOW), 'in progress')
})

test('of several actions the nearest is named', () => {
  assert.equal(maintenanceWord([{}, { CurrentApplyDate: inDays(1) }], 'available', NOW), 'next window')
})
