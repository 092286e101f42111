import assert from 'node:assert/strict'
import { test } from 'node:test'
import { obstacleIn } from './obstacle.ts'

const line = (text: string): string => `2026-11-26 11:00:00 UTC:::@:[77]:FATAL:  ${text}\n`
const REMOVED = line(
  'could not receive data from WAL stream: ERROR:  requested WAL segment 000000010000000000000007 has already been removed',
)
const FORKED = line(
  'new timeline 3 forked off current database system timeline 2 before current recovery point 0/9000060',
)

test('what a receiver repeats until it is made anew is an obstacle', () => {
  assert.equal(obstacleIn(REMOVED), 'log-removed')
  assert.equal(obstacleIn(FORKED), 'diverged')
  assert.equal(obstacleIn(line('highest timeline 1 of the primary is behind recovery timeline 2')), 'diverged')
  assert.equal(
    obstacleIn(line("ERROR:  requested starting point 0/7000000 on timeline 1 is not in this server's history")),
    'diverged',
  )
})

test('what waiting helps against is none', () => {
  assert.equal(obstacleIn(''), undefined)
  assert.equal(obstacleIn(line('could not connect to the primary server: Connection refused')), undefined)
  assert.equal(obstacleIn(line('replication slot "holdfast_r_1" does not exist')), undefined)
  assert.equal(
    obstacleIn(line('requested starting point 0/8000000 is ahead of the WAL flush position of this server 0/7000000')),
    undefined,
  )
})

test('a replica that streamed again has no obstacle any more, also once its source has gone away', () => {
  const streams = line('started streaming WAL from primary at 0/7000000 on timeline 1')
  const refused = line('could not connect to the primary server: Connection refused')
  assert.equal(obstacleIn(REMOVED + streams + refused), undefined)
  assert.equal(obstacleIn(REMOVED + line('restarted WAL streaming at 0/7000000 on timeline 2') + refused), undefined)
  assert.equal(obstacleIn(streams + REMOVED), 'log-removed', 'what it says of each attempt')
})

test('the last word counts', () => {
  assert.equal(obstacleIn(REMOVED + FORKED), 'diverged')
  assert.equal(obstacleIn(FORKED + REMOVED + REMOVED), 'log-removed')
})
