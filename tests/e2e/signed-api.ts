/** The real door, with access keys that it verifies and nothing behind it. */
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createApiServer } from '#api/server.ts'
import { memoryLog } from '#base/memory-log.ts'
import type { Control } from '#control/control.ts'
import { systemClock } from '#host/clock.ts'
import { systemRandom } from '#host/random.ts'

/** `keys`: secrets by access key id. Every `/_holdfast/` request that gets in is answered with `{}`. */
export async function startApi(
  keys: Readonly<Record<string, string>>,
): Promise<{ readonly endpoint: string; close(): void }> {
  const server = createApiServer({
    control: { clock: systemClock, random: systemRandom } as unknown as Control,
    services: [],
    accessKeys: { verify: true, secretOf: (id) => keys[id], accountOf: () => '000000000000' },
    extras: () => ({ status: 200, headers: {}, body: '{}' }),
    log: memoryLog(),
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    endpoint: `http://127.0.0.1:${port}`,
    close: () => {
      server.close()
      server.closeAllConnections()
    },
  }
}
