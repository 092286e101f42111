import { done, flow, go, wait, type Next } from '#flow/flow.ts'
import type { Held, Mutation } from '#store/collection.ts'
import type { SnapshotFacts } from '#wire/agent/messages.ts'
import type { SeedSource } from '#wire/agent/volume.ts'
import { auroraRelaySubjectOf } from '../aurora-cluster/record.ts'
import { originText, type AuroraOrigin } from '../cluster/origin.ts'
import { issueCertificate } from '../db-instance/certificate.ts'
import { defaultCaIdentifier } from '../certificate/default-ca.ts'
import { subjectOf } from '../db-instance/record.ts'
import { withHeadCertificate } from '../volume/head-certificate.ts'
import { newLogNodes } from '../volume/log-nodes.ts'
import { placeCopies } from '../volume/place-copies.ts'
import { seedImageOf, volumes, type VolumeRecord } from '../volume/record.ts'
import { hasAll, observedRelay } from '../volume/relays.ts'
import { auroraOf, changeAurora, volumeOf, type AuroraInput, type HeldAurora } from './aurora-context.ts'
import { auroraTimers } from './aurora-timers.ts'
import { branchSeed, branchSource, isMarkVoid, markBranch } from './branch-aurora-volume.ts'
import { job, type FlowContext } from './context.ts'
import { clusterEvent } from './db-cluster-context.ts'
import { engineDeadlineMs, restartDeadlineMs } from './limits.ts'
import { contentOf, firstBase, withSeed } from './volume-beginnings.ts'

/** How often it is looked for what others do. */
const LOOK_MS = 1000

/** A writer that is asked in the moment that it ends does not answer. */
const MARKS_MAX = 60

/** Without an origin it is new and empty. */
type C = FlowContext<AuroraInput & { readonly origin?: AuroraOrigin }>
type Step = 'certify' | 'mark' | 'branch' | 'seed' | 'copy' | 'place' | 'synchronize' | 'finish' | 'wake' | 'abandon'

/** A new Aurora cluster: one certificate for all of its endpoints, and its volume. Instances come later. */
export const createAuroraCluster = flow(
  'create-aurora-cluster',
  {
    exhausted: 'abandon',
    policy: { deadlineMs: engineDeadlineMs },
    // A cluster that is cloned may fail over, and must not be held for longer where nobody can say what it has.
    steps: { mark: { deadlineMs: restartDeadlineMs, attemptsMax: MARKS_MAX } },
  },
  {
    certify: async (c: C): Promise<Next<Step>> => {
      const au = await auroraOf(c)
      const volume = au && (await volumeOf(c.control, au))
      if (!au || !volume) return done('deleted')
      const { resourceId } = au.cluster
      const certificate = await issueCertificate(
        c.control,
        resourceId,
        await defaultCaIdentifier(c.control, au.cluster),
      )
      return go(
        volume.value.relay ? 'copy' : volume.value.branch ? 'mark' : 'seed',
        changeAurora(c.control, au, { certificate }),
        volumes(c.control, au.cluster).update(volume, await withHeadCertificate(c.control, volume.value)),
        await newLogNodes(c.control, c.control.hosts.zones),
      )
    },

    seed: async (c: C): Promise<Next<Step>> => {
      const au = await auroraOf(c)
      const volume = au && (await volumeOf(c.control, au))
      if (!au || !volume) return done('deleted')
      const outcome = await job(c, {
        zone: c.control.hosts.zones[0]!,
        resourceId: au.cluster.resourceId,
        name: `seed-${c.failures}`,
        kind: 'volume.seed',
        input: async () => ({ ...contentOf(au, volume.value), ...fromOf(c.input.origin) }),
      })
      if (outcome.state === 'pending') return wait()
      if (outcome.state === 'failed')
        return go('abandon', changeAurora(c.control, au, { complaint: outcome.error.message }))
      return go('place', ...begun(c, { au, volume }, outcome.result))
    },

    /** Up to where a clone has what its source has: behind everything that was acknowledged there when it was asked for. */
    mark: async (c: C): Promise<Next<Step>> => {
      const au = await auroraOf(c)
      const volume = au && (await volumeOf(c.control, au))
      if (!au || !volume) return done('deleted')
      const branch = volume.value.branch!
      const source = await branchSource(c.control, branch)
      if (!source) return go('abandon', changeAurora(c.control, au, { complaint: SOURCE_GONE }))
      const mark = await markBranch(c.control, branch, source)
      if (!mark) return wait({ timeoutMs: LOOK_MS })
      return go(
        'branch',
        volumes(c.control, au.cluster).update(volume, { ...volume.value, branch: { ...branch, mark } }),
      )
    },

    branch: async (c: C): Promise<Next<Step>> => {
      const au = await auroraOf(c)
      const volume = au && (await volumeOf(c.control, au))
      if (!au || !volume) return done('deleted')
      const branch = volume.value.branch!
      const source = await branchSource(c.control, branch)
      if (!source) return go('abandon', changeAurora(c.control, au, { complaint: SOURCE_GONE }))
      const zone = c.control.hosts.zones[0]!
      const { resourceId } = au.cluster
      if (isMarkVoid(branch.mark!, source)) {
        await c.control.hosts.cancelJobs(zone, `${resourceId}/${c.flowId}/branch-`)
        return go('mark')
      }
      const from = await branchSeed(c.control, { branch, mark: branch.mark!, zone }, source)
      if (!from) return wait({ timeoutMs: LOOK_MS })
      const outcome = await job(c, {
        zone,
        resourceId,
        name: `branch-${c.enteredAt}-${c.failures}`,
        kind: 'volume.seed',
        input: async () => ({ ...contentOf(au, volume.value), from }),
      })
      // Nobody says so when another writer begins.
      if (outcome.state === 'pending') return wait({ timeoutMs: LOOK_MS })
      // The image that it was to begin with may have given way to a later one.
      if (outcome.state === 'failed') throw new Error(outcome.error.message)
      return go('place', ...begun(c, { au, volume }, outcome.result))
    },

    /** What the other volume began with: from there on its whole log is brought. */
    copy: async (c: C): Promise<Next<Step>> => {
      const au = await auroraOf(c)
      const volume = au && (await volumeOf(c.control, au))
      if (!au || !volume) return done('deleted')
      const source = volume.value.relay?.source
      const seed = source && (await volumes(c.control, source).get(source.resourceId))?.value.seed
      if (!seed) return go('abandon', changeAurora(c.control, au, { complaint: 'The primary DB cluster is gone.' }))
      const imageId = seedImageOf(volume.value)
      const outcome = await job(c, {
        zone: c.control.hosts.zones[0]!,
        resourceId: au.cluster.resourceId,
        name: `copy-${c.failures}`,
        kind: 'snapshot.copy',
        input: async () => ({ snapshotId: seed.imageId, targetId: imageId }),
      })
      if (outcome.state === 'pending') return wait()
      if (outcome.state === 'failed')
        return go('abandon', changeAurora(c.control, au, { complaint: outcome.error.message }))
      return go('place', volumes(c.control, au.cluster).update(volume, { ...volume.value, seed: { ...seed, imageId } }))
    },

    /** Each log node makes its copies, and knows where all others are. All begin alike: a quorum may not have less. */
    place: async (c: C): Promise<Next<Step>> => {
      const au = await auroraOf(c)
      const volume = au && (await volumeOf(c.control, au))
      if (!au || !volume) return done('deleted')
      await placeCopies(c.control, volume.value)
      if (!volume.value.relay) return go('finish')
      const { key } = c.input
      const relay = await c.control.flows.supersede('keep-aurora-relay', auroraRelaySubjectOf(key), { key })
      return go('synchronize', relay.writes)
    },

    /** A copy of another volume is there once it has what that had when it was asked. */
    synchronize: async (c: C): Promise<Next<Step>> => {
      const au = await auroraOf(c)
      const volume = au && (await volumeOf(c.control, au))
      if (!au || !volume) return done('deleted')
      const relay = await observedRelay(c.control, volume.value)
      // It is a copy no more, or has come up.
      return !volume.value.relay || (relay && hasAll(relay)) ? go('finish') : wait({ timeoutMs: LOOK_MS })
    },

    finish: async (c: C): Promise<Next<Step>> => {
      const au = await auroraOf(c)
      if (!au) return done('deleted')
      return go(
        'wake',
        changeAurora(c.control, au, { phase: 'available' }),
        clusterEvent(c.control, au.cluster, 'RDS-EVENT-0170', c.input.origin && originText(c.input.origin)),
        await auroraTimers(c.control, au.cluster),
      )
    },

    /** Instances may have come already, and wait for the volume. */
    wake: async (c: C): Promise<Next<Step>> => {
      const au = await auroraOf(c)
      for (const member of au?.cluster.members ?? [])
        c.control.flows.wakeSubjects(subjectOf({ ...c.input.key, resourceId: member.resourceId }))
      return done('available')
    },

    abandon: async (c: C): Promise<Next<Step>> => {
      const au = await auroraOf(c)
      if (!au) return done('deleted')
      const complaint = au.cluster.complaint ?? c.lastError ?? 'The DB cluster could not be created in time.'
      const volume = await volumeOf(c.control, au)
      if (!volume?.value.branch) return done('failed', changeAurora(c.control, au, { phase: 'failed', complaint }))
      await c.control.hosts.cancelJobs(c.control.hosts.zones[0]!, `${au.cluster.resourceId}/${c.flowId}/branch-`)
      const { branch: _none, ...alone } = volume.value
      return done(
        'failed',
        changeAurora(c.control, au, { phase: 'cloning-failed', complaint }),
        volumes(c.control, au.cluster).update(volume, alone),
      )
    },
  },
)

const SOURCE_GONE = 'The DB cluster that was to be cloned is gone.'

function fromOf(origin: AuroraOrigin | undefined): { from?: SeedSource } {
  if (!origin || 'clone' in origin) return {}
  if ('snapshot' in origin) return { from: { snapshotId: origin.snapshot.id } }
  return { from: { prefix: origin.archive.prefix, time: origin.archive.time } }
}

/** The volume has its image, which is the first of the backups too. */
const begun = (
  c: C,
  { au, volume }: { readonly au: HeldAurora; readonly volume: Held<VolumeRecord> },
  facts: SnapshotFacts,
): readonly Mutation[] => [
  volumes(c.control, au.cluster).update(volume, withSeed(volume.value, facts)),
  firstBase(c.control, au, { volume: volume.value, log: facts.log }),
]
