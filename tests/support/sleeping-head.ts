/** A head that reads no log: it says that all is well, and listens as a real one does. `sleeping-head.ts --spec FILE` */
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { parseArgs } from 'node:util'
import { listen, socketFolder, type Socket } from '#host/net.ts'
import { FrameDecoder, encodeFrame } from '#wire/agent/frames.ts'
import { HEAD_PROTOCOL_VERSION, type FromHead, type HeadSpec, type ToHead } from '#wire/head/messages.ts'
import { VERSION } from '../../src/role/version.ts'

const { spec: path } = parseArgs({ options: { spec: { type: 'string' } } }).values
const { epoch, configuration } = JSON.parse(readFileSync(path!, 'utf8')) as HeadSpec
let isAttached = false
let agent: Socket | undefined

function tell(): void {
  const status: FromHead = {
    type: 'status',
    protocol: HEAD_PROTOCOL_VERSION,
    version: VERSION,
    pid: process.pid,
    epoch,
    phase: isAttached ? 'open' : 'ready',
    generation: configuration.generation,
    recoveredEnd: 160,
    configured: configuration.generation,
    isAttached,
    reason: undefined,
    members: [],
  }
  agent?.write(encodeFrame(status))
}

await listen({ path: join(await socketFolder(dirname(path!), 'head.sock'), 'head.sock') }, (socket) => {
  agent?.destroy()
  agent = socket.on('error', () => {})
  const decoder = new FrameDecoder(1_000_000)
  socket.on('data', (piece: Buffer) => {
    for (const { type } of decoder.push(piece) as ToHead[]) {
      if (type !== 'attach') continue
      isAttached = true
      tell()
    }
  })
  tell()
})
