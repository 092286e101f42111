import assert from 'node:assert/strict'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { dialTcp, listenTcp, sourceFilter } from './tcp.ts'

test('one direction of a connection can end while the other goes on', async (t) => {
  const server = await listenTcp({ host: '127.0.0.1', port: 0 }, (socket) => {
    socket.resume().on('end', () => socket.end('after your end'))
  })
  t.after(() => server.close())
  const socket = await dialTcp({ host: '127.0.0.1', port: (server.address() as AddressInfo).port }, 1_000)
  socket.end()
  let heard = ''
  for await (const piece of socket) heard += String(piece)
  assert.equal(heard, 'after your end')
})

test('a port that is taken, and a target that is not there, are errors', async () => {
  const server = await listenTcp({ host: '127.0.0.1', port: 0 }, (socket) => socket.destroy())
  const { port } = server.address() as AddressInfo
  await assert.rejects(
    listenTcp({ host: '127.0.0.1', port }, () => {}),
    { code: 'EADDRINUSE' },
  )
  await new Promise((resolve) => server.close(resolve))
  await assert.rejects(dialTcp({ host: '127.0.0.1', port }, 1_000), { code: 'ECONNREFUSED' })
})

test('a dial that nobody answers is given up', async () => {
  // A network for documentation: packets to it go nowhere, or are refused at once.
  await assert.rejects(dialTcp({ host: '192.0.2.1', port: 5432 }, 50))
})

test('addresses are let in by blocks of both families, and by none when there is none', () => {
  const allows = sourceFilter(['127.0.0.1/32', '10.0.0.0/8', '::1/128', 'fd00::/8'])
  for (const address of ['127.0.0.1', '::ffff:127.0.0.1', '10.255.0.1', '::1', 'fd12::9']) assert.ok(allows(address))
  for (const address of ['127.0.0.2', '::ffff:127.0.0.2', '11.0.0.1', '::2', 'fe80::1', '', undefined])
    assert.ok(!allows(address), String(address))
  assert.ok(!sourceFilter([])('127.0.0.1'))
  assert.ok(sourceFilter(['0.0.0.0/0'])('192.168.7.7'))
})
