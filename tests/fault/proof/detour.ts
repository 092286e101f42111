/**
 * Preloaded into Holdfast's processes with `--import`: the gateway's connections to engines take the detours that the
 * file in HOLDFAST_TEST_DETOURS names by port. Every other process, and every other connection, is left as it is.
 */
import { readFileSync } from 'node:fs'
import { Socket } from 'node:net'

const file = process.env['HOLDFAST_TEST_DETOURS']

interface Target {
  port?: number
}

/** What `net.connect` hands on: its normalized arguments, of which the first are the options. */
function targetOf(first: unknown): Target | undefined {
  const options: unknown = Array.isArray(first) ? first[0] : first
  return typeof options === 'object' && options !== null ? options : undefined
}

if (file !== undefined && process.argv.includes('endpoint')) {
  const connect = Reflect.get(Socket.prototype, 'connect') as (...args: unknown[]) => Socket
  Reflect.set(Socket.prototype, 'connect', function detoured(this: Socket, ...args: unknown[]) {
    const target = targetOf(args[0])
    const detour = target?.port !== undefined && portsIn(file)[target.port]
    if (target && detour) target.port = detour
    return Reflect.apply(connect, this, args)
  })
}

function portsIn(path: string): Record<number, number> {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Record<number, number>
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {}
    throw error
  }
}
