import { test } from 'node:test'
import assert from 'node:assert/strict'
import fc from 'fast-check'
import { addressCount, contains, formatIpv4Block, isIpv6Block, overlap, parseIpv4Block, subBlock } from './cidr.ts'

const parse = (text: string) => parseIpv4Block(text)!

test('a block is read and written the same, without the bits beyond its prefix', () => {
  assert.equal(formatIpv4Block(parse('172.31.0.0/16')), '172.31.0.0/16')
  assert.equal(formatIpv4Block(parse('10.1.2.3/8')), '10.0.0.0/8')
  assert.equal(formatIpv4Block(parse('255.255.255.255/32')), '255.255.255.255/32')
  assert.equal(addressCount(parse('10.0.0.0/20')), 4_096)
})

test('what is not a block is not read', () => {
  for (const text of ['', '10.0.0.0', '10.0.0/8', '256.0.0.0/8', '10.0.0.0/33', '10.0.0.0/8 ', 'a.b.c.d/8']) {
    assert.equal(parseIpv4Block(text), undefined, text)
  }
})

test('the n-th block within another', () => {
  assert.equal(formatIpv4Block(subBlock(parse('172.31.0.0/16'), 20, 2)), '172.31.32.0/20')
})

test('two blocks overlap exactly when one contains the other', () => {
  assert.ok(contains(parse('10.0.0.0/8'), parse('10.255.0.0/16')))
  assert.ok(overlap(parse('10.255.0.0/16'), parse('10.0.0.0/8')))
  assert.ok(!overlap(parse('10.0.0.0/17'), parse('10.0.128.0/17')))
})

test('any block survives being written and read', () => {
  const anyBlock = fc.tuple(fc.nat(2 ** 32 - 1), fc.integer({ min: 0, max: 32 }))
  fc.assert(
    fc.property(anyBlock, ([address, bits]) => {
      const block = { first: address - (address % 2 ** (32 - bits)), bits }
      assert.deepEqual(parseIpv4Block(formatIpv4Block(block)), block)
    }),
  )
})

test('blocks of IPv6', () => {
  for (const good of ['::/0', '2001:db8::/32', 'fe80::1/128']) assert.ok(isIpv6Block(good), good)
  for (const bad of ['::', '::/129', 'x::/3', '10.0.0.0/8', '2001:db8::/a', '::1/128/3', '::1/128/'])
    assert.ok(!isIpv6Block(bad), bad)
})
