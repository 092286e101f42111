import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { SecurityRule } from './record.ts'
import { sourcesOf } from './sources.ts'

const rule = (changes: Partial<SecurityRule>): SecurityRule => ({
  ruleId: 'sgr-1',
  isEgress: false,
  protocol: 'tcp',
  fromPort: 5432,
  toPort: 5432,
  peer: { kind: 'ipv4', value: '10.0.0.0/8' },
  description: undefined,
  tags: [],
  ...changes,
})
const sources = (...rules: SecurityRule[]): string[] => sourcesOf([{ rules }], 5432)

test('rules of TCP on the port let in, and rules of all protocols', () => {
  assert.deepEqual(sources(rule({})), ['10.0.0.0/8'])
  assert.deepEqual(sources(rule({ fromPort: 0, toPort: 65_535 })), ['10.0.0.0/8'])
  assert.deepEqual(sources(rule({ protocol: '-1', fromPort: -1, toPort: -1 })), ['10.0.0.0/8'])
})

test('rules of other ports, protocols and directions do not', () => {
  assert.deepEqual(
    sources(
      rule({ fromPort: 5433, toPort: 6000 }),
      rule({ fromPort: 1, toPort: 5431 }),
      rule({ protocol: 'udp' }),
      rule({ protocol: 'icmp', fromPort: -1, toPort: -1 }),
      rule({ isEgress: true, protocol: '-1', fromPort: -1, toPort: -1 }),
    ),
    [],
  )
})

test('a group as a source is this machine, a prefix list is nobody', () => {
  assert.deepEqual(sources(rule({ peer: { kind: 'group', value: 'sg-1' } })), ['127.0.0.0/8', '::1/128'])
  assert.deepEqual(sources(rule({ peer: { kind: 'prefix-list', value: 'pl-1' } })), [])
})

test('all groups count together, and the same block once', () => {
  const ipv6 = rule({ peer: { kind: 'ipv6', value: 'fd00::/8' } })
  assert.deepEqual(sourcesOf([{ rules: [rule({}), ipv6] }, { rules: [rule({})] }], 5432), ['10.0.0.0/8', 'fd00::/8'])
  assert.deepEqual(sourcesOf([], 5432), [])
})
