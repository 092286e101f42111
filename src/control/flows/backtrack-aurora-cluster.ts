import { assert } from '#base/assert.ts'
import { MINUTE_MS } from '#base/durations.ts'
import { done, flow, go, wait, type Next } from '#flow/flow.ts'
import { NOTHING, type Held, type Mutation } from '#store/collection.ts'
import { backtrackId, backtracks, strandAt, type BacktrackRecord } from '../aurora-cluster/backtracks.ts'
import { scheduleAuroraBackups } from '../aurora-cluster/backups.ts'
import { auroraSubjectOf, auroraTimersOf, isWriter } from '../aurora-cluster/record.ts'
import { routeCluster } from '../aurora-cluster/routes.ts'
import { archivePrefix } from '../db-instance/spec.ts'
import { newVolume } from '../volume/configuration.ts'
import { moved, restVolume } from '../volume/epochs.ts'
import { withHeadCertificate } from '../volume/head-certificate.ts'
import { placeCopies } from '../volume/place-copies.ts'
import { volumes, type VolumeRecord } from '../volume/record.ts'
import {
  auroraOf,
  changeAurora,
  changeMembers,
  forgetAuroraJobs,
  volumeOf,
  type AuroraInput,
  type HeldAurora,
} from './aurora-context.ts'
import { instanceEvent, job, type FlowContext } from './context.ts'
import { isAllArchived } from './copy-volume-at-rest.ts'
import { engineDeadlineMs, restartDeadlineMs } from './limits.ts'
import { stopAuroraMembers } from './stop-aurora-cluster.ts'
import { contentOf, firstBase, withSeed } from './volume-beginnings.ts'

type C = FlowContext<AuroraInput & { readonly backtrack: string }>
type Step = 'cut' | 'stop' | 'rest' | 'drain' | 'seed' | 'place' | 'move' | 'resume' | 'abandon'

const LOOK_MS = 500

/** The archive has what it can have within seconds, if it can be reached at all. */
const DRAIN_MS_MAX = 2 * MINUTE_MS

interface Found {
  readonly au: HeldAurora
  readonly volume: Held<VolumeRecord>
  readonly held: Held<BacktrackRecord>
  readonly backtrack: BacktrackRecord
}

async function found(c: C): Promise<Found | undefined> {
  const au = await auroraOf(c)
  const volume = au && (await volumeOf(c.control, au))
  const held = await backtracks(c.control, c.input.key).get(backtrackId(c.input.key, c.input.backtrack))
  return au && volume && held && { au, volume, held, backtrack: held.value }
}

const note = (c: C, { held }: Found, changes: Partial<BacktrackRecord>): Mutation =>
  backtracks(c.control, c.input.key).update(held, { ...held.value, ...changes })

/**
 * An Aurora cluster gets another volume, which begins with what the cluster had at a time. Until `move` the volume that it has is
 * as it was, and is gone on with where anything fails:
 *
 *     cut ─► stop ─► rest ─► drain ─► seed ─► place ─► move ─► resume ─► (start-aurora-writer)
 *                              └───────┴────────┴─► abandon ─────┘
 */
export const backtrackAuroraCluster = flow(
  'backtrack-aurora-cluster',
  {
    exhausted: 'abandon',
    policy: { deadlineMs: restartDeadlineMs },
    steps: { seed: { deadlineMs: engineDeadlineMs } },
  },
  {
    cut: async (c: C): Promise<Next<Step>> => {
      const it = await found(c)
      if (!it) return done('deleted')
      await routeCluster(c.control, { ...it.au.cluster, isOpen: false })
      return go('stop', changeAurora(c.control, it.au, { isOpen: false }), note(c, it, { status: 'applying' }))
    },

    stop: async (c: C): Promise<Next<Step>> => {
      const it = await found(c)
      if (!it) return done('deleted')
      return (await stopAuroraMembers(c, it.au.cluster)) ? go('rest') : wait()
    },

    rest: async (c: C): Promise<Next<Step>> => {
      const it = await found(c)
      if (!it) return done('deleted')
      return go(
        'drain',
        volumes(c.control, it.au.cluster).update(it.volume, restVolume(it.volume.value)),
        note(c, it, { from: c.control.clock.now() }),
      )
    },

    /** What is left can be gone to again only when all of it is archived. */
    drain: async (c: C): Promise<Next<Step>> => {
      const it = await found(c)
      if (!it) return done('deleted')
      if (await isAllArchived(c.control, it.volume.value)) return go('seed')
      if (c.spentMs > DRAIN_MS_MAX) return go('abandon', note(c, it, { complaint: 'Not all of its log is archived.' }))
      c.control.flows.wakeSubjects(auroraTimersOf(c.input.key))
      return wait({ timeoutMs: LOOK_MS })
    },

    seed: async (c: C): Promise<Next<Step>> => {
      const it = await found(c)
      if (!it) return done('deleted')
      const { au, backtrack } = it
      const fresh = newVolume(backtrack.strand, c.control.hosts.zones)
      const outcome = await job(c, {
        ...placeOf(c),
        name: `seed-${c.failures}`,
        kind: 'volume.seed',
        input: async () => {
          const prefix = archivePrefix(await strandAt(c.control, au.cluster, backtrack.to))
          return { ...contentOf(au, fresh), from: { prefix, time: backtrack.to } }
        },
      })
      if (outcome.state === 'pending') return wait()
      if (outcome.state === 'failed') return go('abandon', note(c, it, { complaint: outcome.error.message }))
      const volume = await withHeadCertificate(c.control, withSeed(fresh, outcome.result))
      return go('place', note(c, it, { volume, log: outcome.result.log }))
    },

    /** Each log node makes its copies. Nobody writes them before the row says so. */
    place: async (c: C): Promise<Next<Step>> => {
      const it = await found(c)
      if (!it) return done('deleted')
      assert(it.backtrack.volume, 'the image is there')
      await placeCopies(c.control, it.backtrack.volume)
      return go('move')
    },

    /** One commit: which volume the cluster has, and since when. */
    move: async (c: C): Promise<Next<Step>> => {
      const it = await found(c)
      if (!it) return done('deleted')
      const { volume, log, ...backtrack } = it.backtrack
      assert(volume, 'the image is there')
      const { cluster, members } = it.au
      const left = { id: it.volume.value.id, until: c.control.clock.now() }
      const pastStrands = [...(cluster.pastStrands ?? []), left]
      return go(
        'resume',
        volumes(c.control, cluster).update(it.volume, moved(it.volume.value, volume)),
        changeAurora(c.control, it.au, { pastStrands }),
        changeMembers(c.control, members.values(), { phase: 'starting' }),
        firstBase(c.control, it.au, { volume, log }),
        backtracks(c.control, cluster).update(it.held, backtrack),
        // The image is stored, and so the log archived, without waiting for the next window.
        await scheduleAuroraBackups(c.control, cluster),
      )
    },

    /** Instances find out by themselves that what they have is of another volume, and are made anew. */
    resume: async (c: C): Promise<Next<Step>> => {
      const it = await found(c)
      if (!it) return done('deleted')
      const { flows, hosts } = c.control
      const { zone, resourceId } = placeOf(c)
      await forgetAuroraJobs(c, it.au.cluster)
      if (hosts.isConnected(zone)) await hosts.forgetJobs(zone, `${resourceId}/${c.flowId}/`)
      const begin = {
        key: c.input.key,
        why: 'backtrack',
        because: 'The DB cluster was backtracked.',
        backtrack: c.input.backtrack,
      }
      const writer = await flows.supersede('start-aurora-writer', auroraSubjectOf(c.input.key), begin)
      return done('moved', writer.writes)
    },

    /** The cluster goes on with what it had. What was made of the other volume goes with those that it has left. */
    abandon: async (c: C): Promise<Next<Step>> => {
      const it = await found(c)
      if (!it) return done('deleted')
      const { au, volume, backtrack } = it
      if (volume.value.id === backtrack.strand || backtrack.status === 'failed') return go('resume')
      const { zone, resourceId } = placeOf(c)
      if (c.control.hosts.isConnected(zone)) await c.control.hosts.cancelJobs(zone, `${resourceId}/${c.flowId}/`)
      const { volume: made = newVolume(backtrack.strand, c.control.hosts.zones), log: _none, ...rest } = backtrack
      const complaint = backtrack.complaint ?? c.lastError ?? 'It could not be done in time.'
      const former = [...(volume.value.former ?? []), made]
      return go(
        'resume',
        volumes(c.control, au.cluster).update(volume, { ...volume.value, former }),
        changeMembers(c.control, au.members.values(), { phase: 'starting' }),
        backtracks(c.control, au.cluster).update(it.held, { ...rest, status: 'failed', complaint }),
        failedEvent(c, au, complaint),
      )
    },
  },
)

/** Jobs that are about the volume alone. */
const placeOf = ({ control, input: { key } }: C): { readonly zone: string; readonly resourceId: string } => ({
  zone: control.hosts.zones[0]!,
  resourceId: key.resourceId,
})

/** AWS has no event for it. */
function failedEvent(c: C, { cluster, members }: HeldAurora, complaint: string): Mutation {
  const writer = [...members.values()].find(({ value }) => isWriter(cluster, value))?.value
  const text = `The backtrack of DB cluster ${cluster.id} failed, and it goes on with what it had: ${complaint}`
  return writer ? instanceEvent(c.control, writer, 'RDS-EVENT-0044', text) : NOTHING
}
