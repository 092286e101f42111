/** A feed for tests: a log in memory that a running engine fills, given to standbys. */
import type { AddressInfo } from 'node:net'
import { memoryLog, type MemoryLog } from '#base/memory-log.ts'
import type { LogPlace } from '#engine/log-source.ts'
import { systemClock } from '#host/clock.ts'
import type { Socket } from '#host/net.ts'
import { systemRandom } from '#host/random.ts'
import { listenTcp } from '#host/tcp.ts'
import { tlsIdentity } from '#host/tls.ts'
import { scramVerifier } from '#trust/scram.ts'
import { segmentStart } from '#wire/pg/lsn.ts'
import { parseHistory } from '#wire/pg/timeline-history.ts'
import { readControlFile } from '../../src/engine/postgres/control-file.ts'
import { dataOf } from '../../src/engine/postgres/layout.ts'
import { openLogSource } from '../../src/engine/postgres/log-source.ts'
import { PEER, peerPassword } from '../../src/engine/postgres/peer.ts'
import { Feed, type FeedOptions } from '../../src/volume/postgres/feed.ts'
import { HeldLog } from './held-log.ts'
import type { PostgresBench, TestInstance } from './postgres-bench.ts'

export interface TestFeed {
  readonly feed: Feed
  readonly port: number
  readonly lines: MemoryLog
  /** Where another one may listen again. */
  close(): Promise<void>
}

/** Gives readers, who come as engines of a bench do, the log. `port`: 0 for any. */
export async function openFeed(
  bench: PostgresBench,
  log: HeldLog,
  { port = 0, ...options }: Partial<FeedOptions> & { readonly port?: number } = {},
): Promise<TestFeed> {
  const { tls } = await bench.spec()
  const verifier = await scramVerifier(peerPassword(bench.surroundings), { salt: systemRandom.bytes(16) })
  const identity = tlsIdentity(tls.certificatePem, tls.privateKeyPem, tls.caPem)
  const lines = memoryLog()
  const feed = new Feed({
    clock: systemClock,
    random: systemRandom,
    log: lines,
    admit: (user) => (user === PEER ? { verifier, source: log } : undefined),
    tls: () => identity,
    ...options,
  })
  const sockets = new Set<Socket>()
  const server = await listenTcp({ host: '127.0.0.1', port }, (socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
    feed.accept(socket)
  })
  return {
    feed,
    port: (server.address() as AddressInfo).port,
    lines,
    async close() {
      feed.close()
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** An empty log, which begins with the segment that the engine writes now. */
export async function logOf(bench: PostgresBench, instance: TestInstance): Promise<HeldLog> {
  const source = await openLogSource({ folder: instance.folder, surroundings: bench.surroundings })
  const { lsn, timeline } = await source.identify()
  await source.close()
  const { systemIdentifier } = (await readControlFile(dataOf(instance.folder)))!
  return new HeldLog(Number(segmentStart(lsn)), { epoch: timeline, systemId: String(systemIdentifier) })
}

export interface Tap {
  close(): Promise<void>
}

/** What the engine writes goes into the log, from the log's end on. */
export async function tap(bench: PostgresBench, instance: TestInstance, log: HeldLog): Promise<Tap> {
  const source = await openLogSource({ folder: instance.folder, surroundings: bench.surroundings })
  await source.keep()
  const { timeline } = await source.identify()
  if (timeline !== log.history().at(-1)!.epoch) {
    const forkedAt = parseHistory(await source.history(timeline)).at(-1)!.endsAt
    log.adopt(timeline, Number(forkedAt))
  }
  const from: LogPlace = { timeline, lsn: BigInt(log.end) }
  const stream = await source.stream(from, (bytes) => log.append(bytes))
  return {
    async close() {
      stream.close()
      await source.close()
    },
  }
}
