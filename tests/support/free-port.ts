import { randomInt } from 'node:crypto'
import { createServer } from 'node:net'

/**
 * Below the ports that systems give to outgoing connections (from 32768 on with Linux, from 49152 on elsewhere): one of
 * those may belong to any test beside this one before it is listened on. And above those of the Holdfasts that tests
 * start (holdfast.ts).
 */
const FIRST = 30_000
const AFTER_LAST = 32_700

/** What this process was given already, and may not be listening on yet. */
const given = new Set<number>()

/** A port of 127.0.0.1 that nothing listens on, for a test that has to know it before it listens. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(FIRST, AFTER_LAST)
    if (given.has(port) || !(await isFree(port))) continue
    given.add(port)
    return port
  }
}

/** The same as an address. */
export async function freeAddress(): Promise<{ host: string; port: number }> {
  return { host: '127.0.0.1', port: await freePort() }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', (error: NodeJS.ErrnoException) =>
      error.code === 'EADDRINUSE' ? resolve(false) : reject(error),
    )
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}
