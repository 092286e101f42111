import { done, flow, go, wait, type Next } from '#flow/flow.ts'
import type { Held } from '#store/collection.ts'
import type { HeadStatus } from '#wire/head/messages.ts'
import type { DbInstanceRecord } from '../db-instance/record.ts'
import {
  newcomerOf,
  isLeftBehind,
  isLost,
  lostMember,
  startOfNewcomer,
  straysOf,
  type Sights,
} from '../volume/losses.ts'
import { replaceMember, settle, withdraw, zonesOf } from '../volume/configuration.ts'
import { configureLogNode, describeVolume, lookAtLogNodes } from '../volume/log-node-orders.ts'
import { isRenewalDue, renewCertificates } from '../volume/renewal.ts'
import { volumes, type VolumeRecord } from '../volume/record.ts'
import { auroraOf, specAs, type AuroraContext as C, type HeldAurora } from './aurora-context.ts'
import { jobOn } from './context.ts'
import { timerDeadlineMs } from './limits.ts'

/** Steps in which nothing is to be done now, each named for what it waits for. */
type Looking = 'watch' | 'await-host' | 'await-writer'
type Step = Looking | 'renew' | 'clear' | 'make' | 'tell' | 'join' | 'rest'

/** The safety net under lost wake-ups: log nodes say by themselves when something has become of a copy. */
const LOOK_MS = 30_000

/** How often it is looked how far a change of members is. */
const JOIN_LOOK_MS = 1000

/** How often, and how long, it is looked whether a head has heard what its agent was told. */
const TOLD_LOOK_MS = 200
const TOLD_MS_MAX = 30_000

/** Before what failed again and again, as on a disk that fails, is begun anew. */
const REST_MS = 10_000

/**
 * Keeps a volume's copies six, and whole, for as long as its cluster lives: a copy that is lost gives way to a new one in the
 * same zone, by the steps of docs/protocol/quorum-log.md, "Changing members".
 *
 *     watch ──lost──► make ──joint──► tell ──► join ──configured: settle──► tell ──► watch ──► clear
 *                                               └──the new one is lost: withdraw──► tell
 *
 * A host that is away has its copies with it, so they are waited for; and it takes a head to bring a new copy in. Both are
 * seen in the step that the flow is in.
 */
export const keepVolumeMembers = flow(
  'keep-volume-members',
  { exhausted: 'rest', policy: { deadlineMs: timerDeadlineMs } },
  {
    watch: looking('watch'),
    'await-host': looking('await-host'),
    'await-writer': looking('await-writer'),

    /** Certificates of log nodes and of heads that are soon over. */
    renew: async (c: C): Promise<Next<Step>> => {
      const it = await found(c)
      if (!it) return gone()
      const { volume, sights } = it
      const { writes, record } = await renewCertificates(c.control, volume.value, [...sights.keys()])
      return go('tell', ...writes, ...(record ? [volumes(c.control, c.input.key).update(volume, record)] : []))
    },

    /** What was replaced, or came to nothing. No head speaks to it. */
    clear: async (c: C): Promise<Next<Step>> => {
      const it = await found(c)
      if (!it) return gone()
      const { id: volume } = it.volume.value
      for (const { id: member, zone } of straysOf(it.volume.value, it.sights))
        await c.control.hosts.ask(zone, 'lognode.remove', { volume, member })
      return go('watch')
    },

    /**
     * The new copy is there, empty, before the row names it: made again under a name that was in force, it might be asked
     * what it had acknowledged before.
     */
    make: async (c: C): Promise<Next<Step>> => {
      const it = await found(c)
      if (!it) return gone()
      const { volume, sights } = it
      const lost = lostMember(volume.value, sights)
      const isLed = (await headOf(c, it))?.phase === 'open'
      if (!lost || !isLed || newcomerOf(volume.value)) return go('watch')
      const start = startOfNewcomer(volume.value, sights)
      if (start === undefined) return go('watch')
      const joint = replaceMember(volume.value, lost.id)
      const { id: member, zone } = newcomerOf(joint)!
      await configureLogNode(c.control, zone)
      await c.control.hosts.ask(zone, 'lognode.create', { volume: joint.id, member, start })
      return go('tell', volumes(c.control, c.input.key).update(volume, joint))
    },

    /** Log nodes and the head know what the row says. */
    tell: async (c: C): Promise<Next<Step>> => {
      const it = await found(c)
      if (!it) return gone()
      const volume = it.volume.value
      await describeTo(c, it)
      const leader = leaderOf(c, it)
      if (!leader) return go('watch')
      const outcome = await jobOn(c, leader, {
        name: `tell-${c.enteredAt}-${c.failures}`,
        kind: 'instance.reload',
        input: async () => ({ spec: await specAs(c.control, { record: leader, part: 'writer', volume }) }),
      })
      if (outcome.state === 'pending') return wait()
      if (outcome.state === 'failed') throw new Error(`tell the head of its members: ${outcome.error.message}`)
      const head = await headOf(c, it)
      if (head && !hasHeard(head, volume) && c.spentMs < TOLD_MS_MAX) return wait({ timeoutMs: TOLD_LOOK_MS })
      await c.control.hosts.forgetJobs(leader.zone, `${leader.resourceId}/${c.flowId}/`)
      return go('watch')
    },

    /** The new copy gets the log. Until the last commit here, going back is writing the old row. */
    join: async (c: C): Promise<Next<Step>> => {
      const it = await found(c)
      if (!it) return gone()
      const { volume, sights } = it
      const newcomer = newcomerOf(volume.value)
      const head = await headOf(c, it)
      if (!newcomer || !sights.has(newcomer.zone) || (head && !hasHeard(head, volume.value))) return go('watch')
      if (isLost(volume.value, newcomer, sights) || isLeftBehind(volume.value, newcomer, sights))
        return go('tell', volumes(c.control, c.input.key).update(volume, withdraw(volume.value)))
      const { generation } = volume.value.configuration
      const isThere = head?.phase === 'open' && head.configured === generation
      const settled = isThere ? settle(volume.value, { epoch: head.epoch, generation }) : undefined
      if (!settled) return wait({ timeoutMs: JOIN_LOOK_MS })
      return go('tell', volumes(c.control, c.input.key).update(volume, settled))
    },

    rest: async (c: C): Promise<Next<Step>> => {
      const leftMs = REST_MS - c.spentMs
      // What was to be told may not have been.
      return leftMs > 0 ? wait({ timeoutMs: leftMs }) : go('tell')
    },
  },
)

const gone = (): Next<Step> => done('the cluster is gone')

interface Found {
  readonly sights: Sights
  readonly volume: Held<VolumeRecord>
  readonly au: HeldAurora
}

/**
 * Undefined once the cluster is deleted, or about to be. In this order: a copy that the row names is older than the row; and
 * a cluster that is open after its row was read has been led by that row's epoch, or the row cannot be written any more.
 */
async function found(c: C): Promise<Found | undefined> {
  const row = (): Promise<Held<VolumeRecord> | undefined> => volumes(c.control, c.input.key).get(c.input.key.resourceId)
  const before = await row()
  const sights = before && (await lookAtLogNodes(c.control, zonesOf(before.value)))
  const volume = await row()
  const au = await auroraOf(c)
  return sights && volume && au && au.cluster.phase !== 'deleting' ? { sights, volume, au } : undefined
}

function looking(here: Looking) {
  return async (c: C): Promise<Next<Step>> => {
    const it = await found(c)
    if (!it) return gone()
    // One that comes back may have missed what changed; which one does, nobody here knows.
    if (here === 'await-host') await describeTo(c, it)
    const next = await nextOf(c, it)
    return next === here ? wait({ timeoutMs: LOOK_MS }) : go(next)
  }
}

async function nextOf(c: C, it: Found): Promise<Step> {
  const { sights } = it
  const volume = it.volume.value
  // A head that leads has to be told.
  const canTell = !it.au.cluster.isOpen || leaderOf(c, it) !== undefined
  if (canTell && (await isRenewalDue(c.control, volume, [...sights.keys()]))) return 'renew'
  const head = await headOf(c, it)
  if (head && !hasHeard(head, volume)) return 'tell'
  const newcomer = newcomerOf(volume)
  if (newcomer) return sights.has(newcomer.zone) ? 'join' : 'await-host'
  if (straysOf(volume, sights).length > 0) return 'clear'
  if (lostMember(volume, sights)) return head?.phase === 'open' ? 'make' : 'await-writer'
  return zonesOf(volume).every((zone) => sights.has(zone)) ? 'watch' : 'await-host'
}

async function describeTo({ control }: C, { volume, sights }: Found): Promise<void> {
  for (const zone of zonesOf(volume.value))
    if (sights.has(zone)) await describeVolume(control, { volume: volume.value, zone })
}

/** The instance beside whose engine the head of the row's epoch leads, for clients. */
function leaderOf({ control }: C, { volume, au }: Found): DbInstanceRecord | undefined {
  const { writer, isOpen } = au.cluster
  if (!isOpen || writer === undefined || writer !== volume.value.writer) return undefined
  const leader = au.members.get(writer)?.value
  return leader && control.hosts.isConnected(leader.zone) ? leader : undefined
}

async function headOf(c: C, it: Found): Promise<HeadStatus | undefined> {
  const leader = leaderOf(c, it)
  if (!leader) return undefined
  const { status } = await c.control.hosts.ask(leader.zone, 'head.look', { id: leader.resourceId })
  return status?.epoch === it.volume.value.epoch ? status : undefined
}

const hasHeard = ({ generation }: HeadStatus, { configuration }: VolumeRecord): boolean =>
  generation >= configuration.generation
