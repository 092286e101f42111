import { done, flow, go, wait } from '#flow/flow.ts'
import { NOTHING, together, type Mutation } from '#store/collection.ts'
import { changedSettings, needsRestart, otherChanges, type ChangeName } from '../db-cluster/changes.ts'
import { memberIn, readersOf, type DbClusterRecord, type Member } from '../db-cluster/record.ts'
import { openEveryRoute } from '../db-cluster/routes.ts'
import { streamsFromWriter, writerServes } from '../db-cluster/sight.ts'
import { certificateOf, issueCertificate } from '../db-instance/certificate.ts'
import { notesAfter, notesWithout } from '../db-instance/modify-decision.ts'
import { isStorageChange } from '../db-instance/modify-storage.ts'
import { dbInstances, keyOf, type DbInstanceRecord } from '../db-instance/record.ts'
import { storageChanged } from '../storage/history.ts'
import { instanceEvent, jobOn, type FlowContext } from './context.ts'
import {
  bring,
  changeCluster,
  changeMembers,
  clusterEvent,
  clusterFinished,
  clusterOf,
  replaceCluster,
  type ClusterContext,
  type ClusterInput,
  type HeldCluster,
} from './db-cluster-context.ts'
import { writerRestart } from './db-cluster-restart.ts'
import { engineDeadlineMs, restartDeadlineMs, standbyPatienceMs } from './limits.ts'
import { modificationEvents } from './modification-events.ts'

interface Input extends ClusterInput {
  /** Which of the cluster's pending changes this flow makes. */
  readonly apply: readonly ChangeName[]
}
type C = FlowContext<Input>

/**
 * Changes class, version, certificate and storage of a DB cluster: readers first, one after the other, then the writer where it is. The
 * records say what was asked for once the writer runs with it. Where one of them does not, what the others got already is
 * taken back: the cluster goes on as it was, and an event says why.
 */
export const changeDbCluster = flow(
  'change-db-cluster',
  {
    exhausted: 'revert',
    policy: { deadlineMs: restartDeadlineMs },
    steps: { prepare: { deadlineMs: engineDeadlineMs } },
  },
  {
    /** New binaries are fetched everywhere before anything stops. */
    prepare: async (c: C) => {
      const cl = await clusterOf(c)
      if (!cl) return done('deleted')
      const version = dueOf(c, cl.cluster).includes('EngineVersion') ? cl.cluster.pending?.EngineVersion : undefined
      if (version === undefined) return go('certify')
      for (const member of cl.cluster.members) {
        const outcome = await jobOn(c, member, {
          name: `prepare-${member.zone}`,
          kind: 'engine.prepare',
          input: async () => ({ engine: cl.cluster.engine, version }),
        })
        if (outcome.state === 'pending') return wait({ timeoutMs: LOOK_MS })
        if (outcome.state === 'failed') return go('finish', ...givenUp(c, cl, outcome.error.message))
      }
      return go('certify')
    },

    /** One for all: clients of an endpoint of the cluster may come to any member. */
    certify: async (c: C) => {
      const cl = await clusterOf(c)
      if (!cl) return done('deleted')
      const { cluster } = cl
      if (!dueOf(c, cluster).includes('CACertificateIdentifier')) return go('readers')
      const authority = cluster.pending!.CACertificateIdentifier!
      const nextCertificate = await issueCertificate(c.control, cluster.resourceId, authority)
      return go('readers', changeCluster(c, cl, { nextCertificate }))
    },

    readers: async (c: C) => {
      const cl = await clusterOf(c)
      if (!cl) return done('deleted')
      const due = dueOf(c, cl.cluster)
      if (due.length === 0) return go('revert')
      for (const reader of readersOf(cl.cluster)) {
        const taken = await take(c, cl, reader)
        if (taken === 'pending') return wait({ timeoutMs: LOOK_MS })
        if (taken !== 'taken')
          return go('revert', changeCluster(c, cl, { complaint: `${reader.id}: ${taken.refused}` }))
      }
      return go(needsRestart(due) ? 'restart' : 'reload')
    },

    /** Storage and certificates: nobody notices. */
    reload: async (c: C) => {
      const cl = await clusterOf(c)
      if (!cl) return done('deleted')
      const writer = memberIn(cl.cluster, cl.cluster.writer)
      const outcome = await bring(c, changed(c, cl), {
        member: writer,
        name: `reload-${cl.cluster.generation}-${c.failures}`,
        kind: 'instance.reload',
      })
      if (outcome.state === 'pending') return wait({ timeoutMs: LOOK_MS })
      if (outcome.state === 'failed') throw new Error(`tell the writer of the changes: ${outcome.error.message}`)
      return go('reopen', ...(await adopted(c, cl)))
    },

    ...writerRestart<C>({ target: changed, started: adopted }),

    /** Gateways connect to no engine with another certificate than their own: clients wait for this. */
    reopen: async (c: C) => {
      const cl = await clusterOf(c)
      if (!cl) return done('deleted')
      await openEveryRoute(c.control, cl.cluster, cl.members)
      const writer = cl.members.get(cl.cluster.writer)!.value
      const restarted = needsRestart(c.input.apply) ? instanceEvent(c.control, writer, 'RDS-EVENT-0006') : NOTHING
      return go('finish', ...atRest(c, cl), restarted)
    },

    /**
     * What was asked for cannot be had. A reader that cannot be told so, and a writer that does not serve, are the matter
     * of the flows that keep and recover the cluster.
     */
    revert: async (c: C) => {
      const cl = await clusterOf(c)
      if (!cl) return done('deleted')
      const due = dueOf(c, cl.cluster)
      if (due.length === 0) return go('reopen')
      const kind = needsRestart(due) ? 'instance.restart' : 'instance.reload'
      for (const reader of readersOf(cl.cluster)) {
        if (reader.state !== 'following' || !c.control.hosts.isConnected(reader.zone)) continue
        const outcome = await bring(c, cl, { member: reader, name: `revert-${reader.zone}`, kind })
        if (outcome.state === 'pending') return wait({ timeoutMs: LOOK_MS })
      }
      return go('finish', ...givenUp(c, cl, cl.cluster.complaint ?? c.lastError ?? 'It took too long.'))
    },

    finish: (c: C) => clusterFinished(c, 'changed'),
  },
)

/** How often it is looked whether hosts are back that were not there. */
const LOOK_MS = 1000

/** Longest that both readers together are waited for. */
const READERS_MS = 2 * standbyPatienceMs

/** Of the changes that this flow is for, those that are still pending. */
const dueOf = (c: C, { pending }: DbClusterRecord): ChangeName[] =>
  c.input.apply.filter((name) => pending?.[name] !== undefined)

/** The cluster as it is to be, for orders; the records say so later. */
function changed(c: C, cl: HeldCluster): HeldCluster {
  const members = new Map(
    [...cl.members].map(([zone, held]) => [zone, { ...held, value: changedMember(c, cl, held.value) }] as const),
  )
  return { ...cl, members }
}

function changedMember(c: C, { cluster }: HeldCluster, member: DbInstanceRecord): DbInstanceRecord {
  const settings = changedSettings(cluster, dueOf(c, cluster))
  const { nextCertificate: shared } = cluster
  if (!shared) return { ...member, settings }
  return { ...member, settings, certificate: certificateOf(c.control, { of: cluster, for: member }, shared) }
}

type Taken = 'pending' | 'taken' | { readonly refused: string }

/** One that is to be made anyway is made as the records say by then. */
async function take(c: C, cl: HeldCluster, reader: Member): Promise<Taken> {
  if (reader.state !== 'following') return 'taken'
  const isLate = c.spentMs > READERS_MS
  if (!c.control.hosts.isConnected(reader.zone)) return isLate ? { refused: 'Its host cannot be reached.' } : 'pending'
  const isRestart = needsRestart(dueOf(c, cl.cluster))
  const outcome = await bring(c, changed(c, cl), {
    member: reader,
    name: `take-${reader.zone}`,
    kind: isRestart ? 'instance.restart' : 'instance.reload',
  })
  if (outcome.state === 'pending') return 'pending'
  if (outcome.state === 'failed') return { refused: outcome.error.message }
  // Nothing is reported of a writer that does not serve.
  const isBack = !isRestart || streamsFromWriter(c.control, cl.cluster, reader) || !writerServes(c.control, cl.cluster)
  if (isBack) return 'taken'
  return isLate ? { refused: 'It does not follow the writer any more.' } : 'pending'
}

/** What everybody runs with is what the records say. */
async function adopted(c: C, cl: HeldCluster): Promise<Mutation[]> {
  const { cluster, members } = cl
  const due = dueOf(c, cluster)
  const writes: Mutation[] = [
    replaceCluster(c, cl, {
      ...withoutNextCertificate(cluster),
      settings: changedSettings(cluster, due),
      pending: otherChanges(cluster.pending, due),
      ...notesAfter(cluster, due, () => undefined),
    }),
  ]
  for (const held of members.values()) {
    const record = held.value
    writes.push(
      dbInstances(c.control, c.input.key).update(held, changedMember(c, cl, record)),
      due.some(isStorageChange) ? await storageChanged(c.control, keyOf(record)) : NOTHING,
      ...modificationEvents(c.control, { ...record, pending: cluster.pending ?? {} }, { names: due }),
    )
  }
  const version = due.includes('EngineVersion') ? cluster.pending?.EngineVersion : undefined
  if (version !== undefined)
    writes.push(
      clusterEvent(
        c.control,
        cluster,
        'RDS-EVENT-0290',
        `The DB cluster was patched from version ${cluster.settings.EngineVersion} to ${version}.`,
      ),
    )
  return [together(...writes)]
}

const withoutNextCertificate = ({ nextCertificate: _given, ...cluster }: DbClusterRecord): DbClusterRecord => cluster

const AT_REST = { phase: 'available', complaint: undefined } as const

const atRest = (c: ClusterContext, cl: HeldCluster): Mutation[] => [
  changeCluster(c, cl, AT_REST),
  changeMembers(c, cl, AT_REST),
]

/** Of what is still pending of this flow's, nothing is tried again by itself. */
function givenUp(c: C, cl: HeldCluster, because: string): Mutation[] {
  const { cluster } = cl
  const due = dueOf(c, cluster)
  const rest = {
    ...withoutNextCertificate(cluster),
    ...AT_REST,
    pending: otherChanges(cluster.pending, due),
    ...notesWithout(cluster, due),
  }
  return [
    replaceCluster(c, cl, rest),
    changeMembers(c, cl, AT_REST),
    instanceEvent(
      c.control,
      cl.members.get(cluster.writer)!.value,
      'RDS-EVENT-0035',
      `The modification was taken back: ${because}`,
    ),
  ]
}
