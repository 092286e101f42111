/** A log node or a head of the volume that `quorum.ts` measures, as a process of its own: `quorum-process.ts ROLE SPEC`. */
import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { memoryLog } from '#base/memory-log.ts'
import { systemClock } from '#host/clock.ts'
import { FolderLogDisk } from '#host/log-disk.ts'
import { listenMutualTls, peerContext, type PeerCertificate } from '#host/mutual-tls.ts'
import { systemRandom } from '#host/random.ts'
import { logNodeDialer } from '#volume/dial-log-node.ts'
import { HeadLinks, type LogNodeAddress } from '#volume/head-links.ts'
import { Head } from '#volume/head.ts'
import { NO_HORIZON } from '#volume/horizons.ts'
import { createFolder } from '#volume/member-folder.ts'
import { MemberServer } from '#volume/member-server.ts'
import { Member } from '#volume/member.ts'
import type { MemberSurroundings } from '#volume/ports.ts'
import { Upstream } from '#volume/postgres/upstream.ts'
import type { MemberId, Position } from '#wire/quorum/messages.ts'

const VOLUME = 'bench'
const EPOCH = 2
/** The ways that are measured are stopped in turn, for longer than a real head may be silent. */
const LEASE_MS = 3_600_000
/** Of the log before the writer's epoch. Nobody reads it here. */
const SEED_BYTES = 8_192

export interface NodeSpec {
  readonly folder: string
  readonly certificate: PeerCertificate
  readonly members: readonly MemberId[]
  readonly epochStart: Position
}

export interface HeadSpec {
  readonly certificate: PeerCertificate
  readonly places: readonly (readonly [MemberId, LogNodeAddress])[]
  readonly socketPath: string
  readonly user: string
  readonly name: string
}

/** Says `{"port":…}` when it listens. */
async function runNode(spec: NodeSpec): Promise<void> {
  const server = new MemberServer({
    dial: logNodeDialer(() => peerContext(spec.certificate)),
    clock: systemClock,
    log: memoryLog(),
  })
  for (const id of spec.members) await openMember(id, spec, server)
  const door = await listenMutualTls({
    address: { host: '127.0.0.1', port: 0 },
    certificate: spec.certificate,
    patienceMs: 10_000,
    shortcut: join(spec.folder, 'quorum.sock'),
    onCaller: (socket, names) => server.accept(socket, names),
    onRefused: (error) => process.stderr.write(`${String(error)}\n`),
  })
  process.stdout.write(`${JSON.stringify({ port: door.port })}\n`)
}

async function openMember(id: MemberId, { folder, epochStart }: NodeSpec, server: MemberServer): Promise<void> {
  const own = join(folder, id)
  await mkdir(own, { recursive: true })
  const around: MemberSurroundings = {
    disk: new FolderLogDisk(own),
    clock: systemClock,
    defer: (run) => process.nextTick(run),
    send: (session, message) => server.send(session, id, message),
    ask: (asked, message) => {
      if (message.type !== 'read') return
      server.ask({ volume: VOLUME, asker: id, asked }, message, (piece) => member.fetched(asked, piece))
    },
    peers: () => [],
    mended: () => {},
    close: (session) => server.close(session),
    horizon: () => NO_HORIZON,
    advanced: () => {},
    failed: (reason, error) => {
      throw new Error(reason, { cause: error })
    },
  }
  const start = epochStart - SEED_BYTES
  const seed = { id, volume: 1, history: [{ epoch: 1, start }], start, bytes: Buffer.alloc(SEED_BYTES) }
  await new Promise<void>((resolve) => createFolder(around, seed, resolve))
  const member = Member.open(around)!
  server.add(VOLUME, id, {
    receive: (session, message) => member.receive(session, message),
    closed: (session) => member.closed(session),
  })
}

/** Says `{"open":true}` when commits are acknowledged. */
function runHead(spec: HeadSpec): void {
  const head: Head = new Head(
    {
      clock: systemClock,
      send: (members, message) => void links.send(members, message),
      recovered: () => upstream.start(),
      durable: (position) => upstream.confirm(position),
      opened: () => process.stdout.write(`${JSON.stringify({ open: true })}\n`),
      configured: () => {},
      fenced: (reason) => {
        throw new Error(reason)
      },
      flow: (isOpen) => upstream.flow(isOpen),
    },
    {
      epoch: EPOCH,
      leaseMs: LEASE_MS,
      configuration: { generation: 1, members: spec.places.map(([member]) => member) },
    },
  )
  const upstream = new Upstream(
    {
      address: { path: spec.socketPath },
      user: spec.user,
      password: '',
      name: spec.name,
      epoch: EPOCH,
      clock: systemClock,
      random: systemRandom,
    },
    {
      epochStarts: (position) => head.epochStarts(position),
      data: (position, bytes, boundary) => head.append(position, bytes, boundary),
      attached: () => {},
      lost: (error) => process.stderr.write(`${String(error)}\n`),
    },
  )
  const links = new HeadLinks({
    volume: VOLUME,
    epoch: EPOCH,
    dial: logNodeDialer(() => peerContext(spec.certificate)),
    clock: systemClock,
    log: memoryLog(),
    onMessage: (member, message) => head.received(member, message),
    onConnected: (member) => head.connected(member),
    onLost: (member) => head.disconnected(member),
  })
  links.place(new Map(spec.places))
}

const [role, path] = process.argv.slice(2)
if (role !== undefined && path !== undefined) {
  const spec: unknown = JSON.parse(await readFile(path, 'utf8'))
  if (role === 'node') await runNode(spec as NodeSpec)
  else runHead(spec as HeadSpec)
}
