import { done, flow, go, wait } from '#flow/flow.ts'
import { together } from '#store/collection.ts'
import { originText, type ClusterOrigin } from '../cluster/origin.ts'
import { openClusterRoute } from '../db-cluster/routes.ts'
import { keeperSubjectOf, memberIn, readersOf } from '../db-cluster/record.ts'
import { isReadable, isWhole, lossOfWriter } from '../db-cluster/sight.ts'
import { certificateOf, issueCertificate } from '../db-instance/certificate.ts'
import { dbInstances } from '../db-instance/record.ts'
import { openRoute } from '../multi-az/route.ts'
import { instanceEvent, jobOn, type FlowContext, type JobOutcome } from './context.ts'
import {
  bring,
  changeCluster,
  changeMembers,
  clusterEvent,
  clusterFailed,
  clusterFinished,
  clusterOf,
  memberSpec,
  type ClusterInput,
  type HeldCluster,
} from './db-cluster-context.ts'
import { engineDeadlineMs, standbyPatienceMs } from './limits.ts'

/** Without an origin it is new and empty. */
type Input = ClusterInput & (ClusterOrigin | { readonly archive?: never; readonly snapshot?: never })
type C = FlowContext<Input>

/** A new DB cluster: the writer as any new instance, then both readers by the flow that keeps them. It is there when all three are. */
export const createDbCluster = flow(
  'create-db-cluster',
  {
    exhausted: 'abandon',
    steps: { create: { deadlineMs: engineDeadlineMs }, 'await-readers': { deadlineMs: engineDeadlineMs } },
  },
  {
    certify: async (c: C) => {
      const cl = await clusterOf(c)
      if (!cl) return done('deleted')
      const { resourceId, settings } = cl.cluster
      // One for all: clients of an endpoint of the cluster may come to any member.
      const shared = await issueCertificate(c.control, resourceId, settings.CACertificateIdentifier)
      const certified = [...cl.members.values()].map((held) =>
        dbInstances(c.control, c.input.key).update(held, {
          ...held.value,
          certificate: certificateOf(c.control, { of: cl.cluster, for: held.value }, shared),
        }),
      )
      return go('create', together(...certified))
    },

    create: async (c: C) => {
      const cl = await clusterOf(c)
      if (!cl) return done('deleted')
      const outcome = await makeWriter(c, cl)
      if (outcome.state === 'pending') return wait()
      if (outcome.state === 'failed') return go('abandon', changeCluster(c, cl, { complaint: outcome.error.message }))
      return go('route')
    },

    route: async (c: C) => {
      const cl = await clusterOf(c)
      if (!cl) return done('deleted')
      await openRoute(c.control, cl.members.get(cl.cluster.writer)!.value)
      await openClusterRoute(c.control, cl.cluster, cl.members)
      const keeper = await c.control.flows.supersede('keep-db-cluster', keeperSubjectOf(c.input.key), {
        key: c.input.key,
      })
      return go('await-readers', keeper.writes)
    },

    'await-readers': async (c: C) => {
      const cl = await clusterOf(c)
      if (!cl) return done('deleted')
      if (lossOfWriter(c.control, cl.cluster) !== undefined) return go('revive')
      const isComplete =
        isWhole(cl.cluster) && readersOf(cl.cluster).every((one) => isReadable(c.control, cl.cluster, one))
      if (!isComplete) return wait({ timeoutMs: standbyPatienceMs })
      return go(
        'finish',
        changeCluster(c, cl, { phase: 'available', endpointKnown: true }),
        changeMembers(c, cl, { phase: 'available', endpointKnown: true }),
        clusterEvent(c.control, cl.cluster, 'RDS-EVENT-0170', originOf(c.input)),
        ...[...cl.members.values()].map(({ value }) => instanceEvent(c.control, value, 'RDS-EVENT-0005')),
      )
    },

    /** No reader can take over yet, and commits may wait for one: the agent left it to us. */
    revive: async (c: C) => {
      const cl = await clusterOf(c)
      if (!cl) return done('deleted')
      const member = memberIn(cl.cluster, cl.cluster.writer)
      const name = `revive-${c.enteredAt}-${c.failures}`
      const outcome = await bring(c, cl, { member, name, kind: 'instance.restart' })
      if (outcome.state === 'pending') return wait()
      if (outcome.state === 'failed') throw new Error(`start the writer: ${outcome.error.message}`)
      return go('await-readers')
    },

    finish: (c: C) => clusterFinished(c, 'available'),

    abandon: (c: C) => clusterFailed(c, 'The DB cluster could not be created in time.'),
  },
)

type Making = 'instance.create' | 'instance.recover' | 'instance.restore'

function makeWriter(c: C, cl: HeldCluster): Promise<JobOutcome<Making>> {
  const { cluster } = cl
  const writer = memberIn(cluster, cluster.writer)
  const { input } = c
  const specOf = (): ReturnType<typeof memberSpec> => memberSpec(c, cl, { cluster, zone: cluster.writer })
  const master = { name: cluster.master.username, passwordVerifier: cluster.master.verifier }
  if ('archive' in input && input.archive) {
    const { prefix, time } = input.archive
    return jobOn(c, writer, {
      name: 'recover',
      kind: 'instance.recover',
      input: async () => ({ spec: await specOf(), prefix, time, master }),
    })
  }
  if ('snapshot' in input && input.snapshot) {
    const { id: snapshotId } = input.snapshot
    return jobOn(c, writer, {
      name: 'restore',
      kind: 'instance.restore',
      input: async () => ({ spec: await specOf(), snapshotId, master }),
    })
  }
  return jobOn(c, writer, {
    name: 'create',
    kind: 'instance.create',
    input: async () => ({ spec: await specOf(), master, databaseName: cluster.databaseName }),
  })
}

function originOf(input: Input): string | undefined {
  if ('snapshot' in input && input.snapshot) return originText({ snapshot: input.snapshot })
  return 'archive' in input && input.archive ? originText({ archive: input.archive }) : undefined
}
