/**
 * Connections to the feeds of a volume's log nodes, of which one is read: the one that hears a head, and has most. It is left
 * for another one that is better off, which a reader that is merely told nothing new would not find out.
 */
import { Trouble, messageOf } from '#base/trouble.ts'
import type { Clock } from '#host/clock.ts'
import type { FeedAddress } from '#wire/agent/volume.ts'
import { ARCHIVER, FEED_BEHIND_MS_MAX, LED } from '#wire/quorum/archiver.ts'
import { SEGMENT_BYTES, parseLsn } from '#wire/pg/lsn.ts'
import type { Client } from 'pg'
import { CONNECT_MS_MAX, FEED_COMPARE_MS } from '../limits.ts'
import type { LogEnd } from '../log-source.ts'
import type { VolumeLog } from '../volume-engine.ts'

export interface Feeds {
  /** For commands. */
  readonly commands: Client
  /** A connection to the same feed. The caller ends it. */
  another(): Promise<Client>
  /** Throws where another feed should be read. */
  identify(): Promise<LogEnd>
  close(): Promise<void>
}

interface Seen {
  readonly address: FeedAddress
  readonly client: Client
  readonly end: LogEnd
}

/** Throws where no feed lets anybody in. */
export async function openFeeds(log: VolumeLog, clock: Clock): Promise<Feeds> {
  const all = await look(log, log.feeds)
  const [best, ...others] = all.sort((a, b) => (isBetter(b.end, a.end) ? 1 : isBetter(a.end, b.end) ? -1 : 0))
  await Promise.all(others.map(({ client }) => leave(client)))
  if (!best) throw new Trouble('no log node lets anybody in', { culprit: 'peer', retryable: true })
  const { address, client } = best
  let comparedMs = clock.monotonic()
  return {
    commands: client,
    another: () => connect(log, address),
    async identify() {
      const end = await identify(client)
      if (clock.monotonic() - comparedMs < FEED_COMPARE_MS) return end
      comparedMs = clock.monotonic()
      const rivals = await look(
        log,
        log.feeds.filter((feed) => feed !== address),
      ).catch(() => [])
      await Promise.all(rivals.map((rival) => leave(rival.client)))
      if (rivals.some((rival) => isMuchBetter(rival.end, end))) throw new Error('another log node has more of the log')
      return end
    },
    close: () => leave(client),
  }
}

/** Those that let us in. Throws the last trouble where none does. */
async function look(log: VolumeLog, feeds: readonly FeedAddress[]): Promise<Seen[]> {
  const looks = await Promise.allSettled(
    feeds.map(async (address): Promise<Seen> => {
      const client = await connect(log, address)
      try {
        return { address, client, end: await identify(client) }
      } catch (error) {
        await leave(client)
        throw error
      }
    }),
  )
  const seen = looks.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
  const failed = looks.find((one) => one.status === 'rejected')
  if (seen.length === 0 && failed)
    throw new Trouble(`no log node gives the log: ${messageOf(failed.reason)}`, { culprit: 'peer', retryable: true })
  return seen
}

async function identify(client: Client): Promise<LogEnd> {
  const { rows } = await client.query<{ timeline: number; xlogpos: string; dbname: string | null }>('IDENTIFY_SYSTEM')
  const { timeline, xlogpos, dbname } = rows[0]!
  const behindMs = dbname === LED ? FEED_BEHIND_MS_MAX : undefined
  return { timeline: Number(timeline), lsn: parseLsn(xlogpos), behindMs }
}

const isFurther = (a: LogEnd, b: LogEnd, byBytes: bigint): boolean =>
  a.timeline > b.timeline || (a.timeline === b.timeline && a.lsn > b.lsn + byBytes)

function isBetter(a: LogEnd, b: LogEnd): boolean {
  const [isLed, wasLed] = [a.behindMs !== undefined, b.behindMs !== undefined]
  return isLed === wasLed ? isFurther(a, b, 0n) : isLed
}

/** What moves is nowhere equally far: only what does not come right by itself counts. */
function isMuchBetter(a: LogEnd, b: LogEnd): boolean {
  const [isLed, wasLed] = [a.behindMs !== undefined, b.behindMs !== undefined]
  return isLed === wasLed ? isFurther(a, b, isLed ? BigInt(SEGMENT_BYTES) : 0n) : isLed
}

async function connect({ id, login }: VolumeLog, { host, port }: FeedAddress): Promise<Client> {
  const { Client } = (await import('pg')).default
  const client = new Client({
    host,
    port,
    user: id,
    password: login.password,
    ssl: { ca: login.caPem, minVersion: 'TLSv1.3' },
    application_name: ARCHIVER,
    connectionTimeoutMillis: CONNECT_MS_MAX,
    ...{ replication: 'true' },
  })
  // A connection that breaks fails the command under way; without a listener it would end this process as well.
  client.on('error', () => {})
  try {
    await client.connect()
  } catch (error) {
    await leave(client)
    throw error
  }
  return client
}

const leave = (client: Client): Promise<void> => client.end().catch(() => {})
