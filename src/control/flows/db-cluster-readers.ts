/** How each reader of a DB cluster comes to follow the writer. */
import { resourceId as newResourceId } from '#host/random.ts'
import { memberIn, readersOf, regrouped, withMember, type Member } from '../db-cluster/record.ts'
import { copySeen } from '../multi-az/copies.ts'
import { jobOn } from './context.ts'
import {
  bring,
  changeCluster,
  memberSpec,
  replaceCluster,
  type ClusterContext as C,
  type HeldCluster,
} from './db-cluster-context.ts'
import { LOOK_MS, NONE, type Duty, type Finding } from './db-cluster-duty.ts'
import { restLeftMs, standbyPatienceMs } from './limits.ts'

/** Each reader in its own time: one that takes long, or whose host is gone, is in nobody's way. */
export const tendReaders: Duty = async (c, cl) => {
  const found: Finding[] = []
  for (const member of readersOf(cl.cluster)) {
    if (!c.control.hosts.isConnected(member.zone)) {
      await c.control.hosts.rouse(member.zone).catch(() => {})
      continue
    }
    const finding = await TENDING[member.state](c, cl, member)
    if (finding.writes) return finding
    found.push(finding)
  }
  return { waitMs: Math.min(LOOK_MS, ...found.map(({ waitMs }) => waitMs ?? LOOK_MS)) }
}

type Tending = (c: C, cl: HeldCluster, member: Member) => Promise<Finding>

const memberIs = (c: C, cl: HeldCluster, ...[member, changed]: Tail<Parameters<typeof withMember>>): Finding => ({
  writes: changeCluster(c, cl, { members: withMember(cl.cluster, member, changed) }),
})

type Tail<T extends readonly unknown[]> = T extends readonly [unknown, ...infer Rest] ? Rest : never

/** The writer lets it in and keeps its log from here on; then a copy of the writer is taken. */
const begin: Tending = async (c, cl, member) => {
  const restMs = restLeftMs(member.restsUntil, c.control.clock.now())
  if (restMs > 0) return { waitMs: restMs }
  const { seedId } = member
  if (seedId !== undefined) {
    const dropped = await jobOn(c, member, {
      name: `drop-${seedId}`,
      kind: 'snapshot.remove',
      input: async () => ({ snapshotId: seedId }),
    })
    if (dropped.state === 'pending') return NONE
    return dropped.state === 'failed' ? put(c, cl, member) : memberIs(c, cl, member, { state: 'missing' })
  }
  const building = { state: 'building', seedId: newResourceId('seed', c.control.random) } as const
  return { writes: replaceCluster(c, cl, regrouped(cl.cluster, { members: withMember(cl.cluster, member, building) })) }
}

const build: Tending = async (c, cl, member) => {
  const { cluster } = cl
  const seedId = member.seedId!
  if (cluster.told !== cluster.generation) return NONE
  const writer = memberIn(cluster, cluster.writer)
  const seeded = await jobOn(c, writer, {
    name: `seed-${seedId}`,
    kind: 'instance.snapshot',
    input: async () => ({ id: writer.resourceId, snapshotId: seedId }),
  })
  if (seeded.state === 'pending') return NONE
  if (seeded.state === 'failed') return put(c, cl, member)
  const made = await jobOn(c, member, {
    name: `follow-${seedId}`,
    kind: 'instance.follow',
    input: async () => ({ spec: await memberSpec(c, cl, { cluster, zone: member.zone }), seedId }),
  })
  if (made.state === 'pending') return NONE
  return made.state === 'failed' ? put(c, cl, member) : memberIs(c, cl, member, { state: 'following' })
}

/** The writer of before ended in order: it has nothing that the new one has not, and follows as it is. */
const takeBack: Tending = async (c, cl, member) => {
  if (cl.cluster.told !== cl.cluster.generation) return NONE
  const name = `return-${cl.cluster.generation}`
  const outcome = await bring(c, cl, { member, name, kind: 'instance.start' })
  if (outcome.state === 'pending') return NONE
  return memberIs(c, cl, member, { state: outcome.state === 'succeeded' ? 'following' : 'missing' })
}

/** It may have to start, to catch up, or to hear who the writer is; one that still does not stream then cannot. */
const follow: Tending = async (c, cl, member) => {
  const { cluster } = cl
  const { troubledAt, zone } = member
  const seen = copySeen(c.control, member)
  // The writer was started with more than this reader: it shows nothing new until it is started again.
  if (seen?.replication?.role === 'standby' && seen.replication.obstacle === 'settings') {
    const outcome = await bring(c, cl, { member, name: `raise-${seen.pid}`, kind: 'instance.restart' })
    if (outcome.state === 'pending') return NONE
  }
  if (troubledAt === undefined || cluster.awaited.includes(zone) || cluster.electorate.includes(zone)) {
    if (troubledAt !== undefined) await pointAtWriter(c, cl, member)
    return NONE
  }
  const leftMs = troubledAt + standbyPatienceMs - c.control.clock.now()
  if (leftMs <= 0)
    return {
      writes: replaceCluster(c, cl, regrouped(cluster, { members: withMember(cluster, member, { state: 'missing' }) })),
    }
  await pointAtWriter(c, cl, member)
  return { waitMs: leftMs }
}

async function pointAtWriter(c: C, cl: HeldCluster, member: Member): Promise<void> {
  // What comes of it is seen: it streams.
  await bring(c, cl, { member, name: `point-${cl.cluster.generation}`, kind: 'instance.reload' })
}

const TENDING: Readonly<Record<Member['state'], Tending>> = {
  missing: begin,
  building: build,
  returning: takeBack,
  following: follow,
}

/** It is tried again later, from the beginning. */
function put(c: C, cl: HeldCluster, member: Member): Finding {
  const restsUntil = c.control.clock.now() + standbyPatienceMs
  const rest = { state: 'missing', restsUntil, ...(member.seedId !== undefined && { seedId: member.seedId }) } as const
  return { writes: replaceCluster(c, cl, regrouped(cl.cluster, { members: withMember(cl.cluster, member, rest) })) }
}
