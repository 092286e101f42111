import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { after, test } from 'node:test'
import { dial, isPortFree, listen, socketFolder } from './net.ts'
import type { Server } from './net.ts'

const root = mkdtempSync(join(tmpdir(), 'holdfast-net-'))
after(() => rmSync(root, { recursive: true, force: true }))

const close = (server: Server): Promise<unknown> => new Promise((resolve) => server.close(resolve))

test('a Unix socket is for its owner alone, and a second listener is refused', async () => {
  const path = join(root, 'live.sock')
  const server = await listen({ path }, (socket) => {
    // The probe for a stale socket hangs up without reading.
    socket.on('error', () => {}).end('hi')
  })
  assert.equal(statSync(path).mode & 0o777, 0o600)
  const socket = await dial({ path })
  assert.equal(await new Promise((resolve) => socket.once('data', (data) => resolve(String(data)))), 'hi')
  socket.destroy()
  await assert.rejects(
    listen({ path }, () => {}),
    { code: 'EADDRINUSE' },
  )
  await close(server)
})

test('a socket that a dead process left is replaced', async () => {
  const path = join(root, 'stale.sock')
  const script = `require('net').createServer().listen(process.argv[1], () => process.kill(process.pid, 'SIGKILL'))`
  spawnSync(process.execPath, ['-e', script, path])
  assert.ok(existsSync(path))
  const server = await listen({ path }, (socket) => socket.destroy())
  await close(server)
})

test('a port is free until somebody listens on it', async () => {
  const server = await listen({ host: '127.0.0.1', port: 0 }, (socket) => socket.destroy())
  const { port } = server.address() as AddressInfo
  assert.equal(await isPortFree('127.0.0.1', port), false)
  await close(server)
  assert.equal(await isPortFree('127.0.0.1', port), true)
})

test('a socket folder is private, and stays where it was asked for when the path is short', async () => {
  const wanted = join(root, 'run')
  assert.equal(await socketFolder(wanted, 'serve.sock'), wanted)
  assert.equal(statSync(wanted).mode & 0o777, 0o700)
})

test('a path too long for a socket gives a short private folder, always the same one', async (t) => {
  const wanted = join(root, 'x'.repeat(90), 'run')
  const folder = await socketFolder(wanted, '.s.PGSQL.5432')
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  assert.ok(Buffer.byteLength(join(folder, '.s.PGSQL.5432')) <= 103)
  assert.equal(statSync(folder).mode & 0o777, 0o700)
  assert.equal(await socketFolder(wanted, '.s.PGSQL.5432'), folder)
  const server = await listen({ path: join(folder, '.s.PGSQL.5432') }, (socket) => socket.destroy())
  await close(server)
})

test('a short folder that is not ours is refused', async (t) => {
  const wanted = join(root, 'y'.repeat(90), 'run')
  const folder = await socketFolder(wanted, 'serve.sock')
  rmSync(folder, { recursive: true })
  mkdirSync(join(root, 'trap'))
  symlinkSync(join(root, 'trap'), folder)
  t.after(() => rmSync(folder, { force: true }))
  await assert.rejects(socketFolder(wanted, 'serve.sock'), new RegExp(basename(folder)))
})
