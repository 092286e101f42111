/**
 * Every step of the flows of Aurora clusters runs twice, as after a death of serve between its run and its commit: what it
 * gave the first time is lost. The cluster must come out as it would have.
 */
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { SCOPE } from '../../../tests/support/control.ts'
import {
  addInstance,
  auroraOf,
  clusterShown,
  instanceShown,
  keptAurora,
  newAurora,
  reached,
  volumeOf,
  writerOf,
} from '../../../tests/support/simulated-aurora.ts'
import { inTime } from '../../../tests/support/in-time.ts'
import {} from '../../../tests/support/simulated-cluster.ts'
import { EAST, clusterIn, fillGlobal, globalShown } from '../../../tests/support/simulated-global.ts'
import { simulatedControl, type SimulatedControl } from '../../../tests/support/simulated-control.ts'
import { backtrackCluster, listBacktracks } from '../aurora-cluster/backtrack.ts'
import { createClusterEndpoint, deleteClusterEndpoint } from '../aurora-cluster/endpoints.ts'
import { auroraClusters, auroraKeyOf, auroraSubjectOf } from '../aurora-cluster/record.ts'
import { changeInstance } from '../cluster/member-verbs.ts'
import { restoreAnyClusterToPointInTime } from '../cluster/restore.ts'
import { changeCluster } from '../cluster/verbs.ts'
import { commit } from '../control.ts'
import { baseBackups } from '../automated-backup/record.ts'
import { dbClusterSnapshots } from '../db-cluster/snapshot-record.ts'
import { dbInstances } from '../db-instance/record.ts'
import { started } from '../db-instance/started.ts'
import { failoverGlobalCluster } from '../global-cluster/switch.ts'
import { removeFromGlobalCluster } from '../global-cluster/remove.ts'
import { volumes } from '../volume/record.ts'
import { flowDefinitions } from './definitions.ts'

/** Steps that are for what goes wrong for long. */
const LAST_RESORTS = ['abandon', 'again', 'away', 'back', 'cancel', 'follow', 'fail', 'keep', 'rest', 'renew']

const NO_LAST_RESORTS = [
  'stop-aurora-cluster.rest',
  'backtrack-aurora-cluster.rest',
  'backtrack-aurora-cluster.abandon',
]

const STEPS = flowDefinitions
  .filter(({ name }) => name.includes('-aurora-'))
  .flatMap(({ name, steps }) => Object.keys(steps).map((step) => ({ flow: name, step })))
  .filter(({ flow, step }) => !LAST_RESORTS.includes(step) || NO_LAST_RESORTS.includes(`${flow}.${step}`))

interface Scenario {
  readonly what: string
  /** Flows that it comes by. */
  readonly flows: readonly string[]
  /** Steps of these that it does not come by, or that others walk. */
  readonly except?: readonly string[]
  prepare?(control: SimulatedControl): Promise<unknown>
  run(control: SimulatedControl): Promise<unknown>
  verify(control: SimulatedControl): Promise<void>
}

const NAMED = { DBClusterIdentifier: 'shop' }
const CLONE = {
  DBClusterIdentifier: 'clone',
  SourceDBClusterIdentifier: 'shop',
  RestoreType: 'copy-on-write',
  UseLatestRestorableTime: true,
}
const ENDPOINT = { ...NAMED, DBClusterEndpointIdentifier: 'own', EndpointType: 'ANY' }

async function filled(control: SimulatedControl): Promise<void> {
  await newAurora(control, 'shop')
  for (const id of ['one', 'two']) await addInstance(control, id)
}

async function fillServerless(control: SimulatedControl): Promise<void> {
  await newAurora(control, 'shop', { ServerlessV2ScalingConfiguration: { MinCapacity: 0, MaxCapacity: 4 } })
  for (const id of ['one', 'two']) await addInstance(control, id, { DBInstanceClass: 'db.serverless' })
}

async function fillBacktrackable(control: SimulatedControl): Promise<void> {
  await newAurora(control, 'shop', { BacktrackWindow: 3600 })
  for (const id of ['one', 'two']) await addInstance(control, id)
  await keptAurora(control)
}

const backtracked = (control: SimulatedControl): Promise<unknown> =>
  backtrackCluster(control, SCOPE, { ...NAMED, BacktrackTo: new Date(control.clock.now() - 60_000) })

const backtrackStatuses = async (control: SimulatedControl): Promise<unknown[]> =>
  (await listBacktracks(control, SCOPE, NAMED)).map(({ Status }) => Status)

async function begin(control: SimulatedControl, name: string, input: object): Promise<void> {
  const key = auroraKeyOf(await auroraOf(control))
  const flow = control.flows.start(name, auroraSubjectOf(key), { key, ...input })
  await commit(control, flow.writes)
  await started(control, flow.id)
}

const pause = async (control: SimulatedControl): Promise<void> => {
  const [one, two] = (await auroraOf(control)).members
  await begin(control, 'pause-aurora-instances', { ids: [two!.resourceId, one!.resourceId] })
}

async function serving(control: SimulatedControl, writer: string, readers: readonly string[]): Promise<void> {
  await keptAurora(control)
  const { resourceId, members } = await auroraOf(control)
  assert.equal((await clusterShown(control)).Status, 'available')
  assert.equal(await writerOf(control), writer)
  const statuses = await Promise.all(members.map(async ({ id }) => (await instanceShown(control, id)).DBInstanceStatus))
  assert.deepEqual(new Set(statuses), new Set(['available']))
  assert.deepEqual(await reached(control, resourceId), [writer])
  assert.deepEqual(await reached(control, `${resourceId}-ro`), readers)
  assert.equal((await volumeOf(control)).writer, members.find(({ id }) => id === writer)!.resourceId)
}

const asleep = async (control: SimulatedControl): Promise<void> => {
  assert.equal((await clusterShown(control)).Status, 'stopped')
  assert.equal((await volumeOf(control)).writer, undefined)
}

const SCENARIOS: readonly Scenario[] = [
  {
    what: 'a cluster is made and filled',
    flows: [
      'create-aurora-cluster',
      'create-aurora-member',
      'start-aurora-writer',
      'keep-aurora-cluster',
      'archive-aurora-volume',
    ],
    run: filled,
    verify: (control) => serving(control, 'one', ['two']),
  },
  {
    what: 'a reader takes over',
    flows: ['start-aurora-writer', 'restart-aurora-reader'],
    prepare: filled,
    run: (control) => changeCluster(control, SCOPE, 'failover', NAMED),
    verify: (control) => serving(control, 'two', ['one']),
  },
  {
    what: 'the writer is rebooted',
    flows: ['start-aurora-writer'],
    prepare: filled,
    run: (control) => changeInstance(control, SCOPE, 'reboot', { DBInstanceIdentifier: 'one' }),
    verify: (control) => serving(control, 'one', ['two']),
  },
  {
    what: 'a reader is rebooted',
    flows: ['restart-aurora-reader'],
    prepare: filled,
    run: (control) => changeInstance(control, SCOPE, 'reboot', { DBInstanceIdentifier: 'two' }),
    verify: (control) => serving(control, 'one', ['two']),
  },
  {
    what: 'a cluster is stopped',
    flows: ['stop-aurora-cluster'],
    prepare: filled,
    run: (control) => changeCluster(control, SCOPE, 'stop', NAMED),
    verify: asleep,
  },
  {
    what: 'a cluster is started',
    flows: ['start-aurora-writer', 'restart-aurora-reader'],
    prepare: async (control) => {
      await filled(control)
      await inTime(control, changeCluster(control, SCOPE, 'stop', NAMED))
    },
    run: (control) => changeCluster(control, SCOPE, 'start', NAMED),
    verify: (control) => serving(control, 'one', ['two']),
  },
  {
    what: 'idle instances are paused',
    flows: ['pause-aurora-instances'],
    prepare: fillServerless,
    run: pause,
    verify: async (control) => {
      assert.equal((await clusterShown(control)).Status, 'available')
      assert.deepEqual(await reached(control, (await auroraOf(control)).resourceId), [])
      assert.equal((await volumeOf(control)).writer, undefined)
    },
  },
  {
    what: 'instances that are in use are not paused',
    flows: ['pause-aurora-instances'],
    prepare: async (control) => {
      await fillServerless(control)
      const { observed } = control.endpoints
      control.endpoints.observed = (id) => ({ ...observed(id)!, waiting: 1 })
    },
    run: pause,
    verify: (control) => serving(control, 'one', ['two']),
  },
  {
    what: 'paused instances are woken',
    flows: ['start-aurora-writer', 'restart-aurora-reader'],
    prepare: async (control) => {
      await fillServerless(control)
      await inTime(control, pause(control))
    },
    run: (control) => begin(control, 'start-aurora-writer', { why: 'resume', because: 'Somebody connects.' }),
    verify: (control) => serving(control, 'one', ['two']),
  },
  {
    what: 'a password is set',
    flows: ['set-aurora-password'],
    prepare: filled,
    run: (control) => changeCluster(control, SCOPE, 'modify', { ...NAMED, MasterUserPassword: 'another-battery' }),
    verify: async (control) => assert.equal((await auroraOf(control)).pendingVerifier, undefined),
  },
  {
    what: 'an endpoint is made and deleted',
    flows: ['route-aurora-cluster', 'delete-aurora-endpoint'],
    prepare: filled,
    run: async (control) => {
      await inTime(control, createClusterEndpoint(control, SCOPE, ENDPOINT))
      await inTime(control, deleteClusterEndpoint(control, SCOPE, 'own'))
    },
    verify: async (control) => assert.deepEqual((await auroraOf(control)).endpoints, []),
  },
  {
    what: 'the writer is deleted',
    flows: ['delete-aurora-member', 'start-aurora-writer'],
    prepare: filled,
    run: (control) => changeInstance(control, SCOPE, 'delete', { DBInstanceIdentifier: 'one' }),
    verify: (control) => serving(control, 'two', ['two']),
  },
  {
    what: 'a cluster is made that is a copy of one in another region',
    flows: ['create-aurora-cluster', 'create-aurora-member', 'keep-aurora-relay'],
    run: fillGlobal,
    verify: async (control) => {
      await serving(control, 'one', ['two'])
      const { record, shown } = await clusterIn(control, EAST, 'far')
      assert.equal(shown.Status, 'available')
      assert.deepEqual(await reached(control, `${record.resourceId}-ro`, EAST, 'far'), ['far-1', 'far-2'])
    },
  },
  ...[false, true].map((isDataLossAllowed): Scenario => ({
    what: `a copy becomes the primary by a ${isDataLossAllowed ? 'failover' : 'switchover'}`,
    flows: ['switch-aurora-global', 'keep-aurora-relay', 'restart-aurora-reader'],
    prepare: fillGlobal,
    run: (control) =>
      failoverGlobalCluster(control, EAST, {
        GlobalClusterIdentifier: 'world',
        TargetDbClusterIdentifier: 'far',
        ...(isDataLossAllowed && { AllowDataLoss: true }),
      }),
    verify: async (control) => {
      await keptAurora(control)
      const [near, far] = [await clusterIn(control, SCOPE, 'shop'), await clusterIn(control, EAST, 'far')]
      assert.deepEqual([near.shown.Status, far.shown.Status], ['available', 'available'])
      assert.equal((await reached(control, far.record.resourceId, EAST, 'far')).length, 1)
      assert.deepEqual(await reached(control, `${near.record.resourceId}-ro`), ['one', 'two'])
      assert.equal((await globalShown(control)).FailoverState, undefined)
    },
  })),
  {
    what: 'a copy becomes a cluster of its own',
    flows: ['start-aurora-writer', 'keep-aurora-relay'],
    prepare: fillGlobal,
    run: (control) =>
      removeFromGlobalCluster(control, EAST, { GlobalClusterIdentifier: 'world', DbClusterIdentifier: 'far' }),
    verify: async (control) => {
      await keptAurora(control)
      const { record, shown } = await clusterIn(control, EAST, 'far')
      assert.equal(shown.Status, 'available')
      assert.equal((await reached(control, record.resourceId, EAST, 'far')).length, 1)
      assert.equal((await volumes(control, EAST).get(record.resourceId))!.value.relay, undefined)
    },
  },
  {
    what: 'a cluster is backtracked',
    flows: ['backtrack-aurora-cluster'],
    except: ['abandon'],
    prepare: fillBacktrackable,
    run: backtracked,
    verify: async (control) => {
      await serving(control, 'one', ['two'])
      const { resourceId, pastStrands } = await auroraOf(control)
      assert.deepEqual(
        pastStrands!.map(({ id }) => id),
        [resourceId],
      )
      const { id, former } = await volumeOf(control)
      assert.ok(id !== resourceId && former === undefined)
      assert.deepEqual(await backtrackStatuses(control), ['completed'])
    },
  },
  {
    what: 'a backtrack comes to nothing',
    flows: ['backtrack-aurora-cluster'],
    except: ['cut', 'stop', 'rest', 'drain', 'place', 'move', 'resume'],
    prepare: async (control) => {
      await fillBacktrackable(control)
      control.failing = 'volume.seed'
    },
    run: backtracked,
    verify: async (control) => {
      await serving(control, 'one', ['two'])
      const { resourceId, pastStrands } = await auroraOf(control)
      const { id, former } = await volumeOf(control)
      assert.deepEqual([id, former, pastStrands], [resourceId, undefined, undefined])
      assert.deepEqual(await backtrackStatuses(control), ['failed'])
    },
  },
  {
    what: 'a cluster is cloned',
    flows: ['create-aurora-cluster'],
    prepare: filled,
    run: (control) => restoreAnyClusterToPointInTime(control, SCOPE, CLONE),
    verify: async (control) => {
      await keptAurora(control)
      const { Status, CloneGroupId } = await clusterShown(control, 'clone')
      assert.deepEqual([Status, CloneGroupId], ['available', (await clusterShown(control)).CloneGroupId])
      assert.equal((await volumeOf(control, 'clone')).branch, undefined)
      await serving(control, 'one', ['two'])
    },
  },
  {
    what: 'a clone comes to nothing',
    flows: ['create-aurora-cluster'],
    prepare: async (control) => {
      await filled(control)
      control.failing = 'volume.seed'
    },
    run: (control) => restoreAnyClusterToPointInTime(control, SCOPE, CLONE),
    verify: async (control) => {
      await keptAurora(control)
      assert.equal((await clusterShown(control, 'clone')).Status, 'cloning-failed')
      assert.equal((await volumeOf(control, 'clone')).branch, undefined)
    },
  },
  {
    what: 'a cluster is emptied and deleted',
    flows: ['delete-aurora-member', 'delete-aurora-cluster'],
    prepare: filled,
    run: async (control) => {
      for (const DBInstanceIdentifier of ['two', 'one'])
        await inTime(control, changeInstance(control, SCOPE, 'delete', { DBInstanceIdentifier }))
      await changeCluster(control, SCOPE, 'delete', { ...NAMED, FinalDBSnapshotIdentifier: 'last' })
    },
    verify: async (control) => {
      await keptAurora(control)
      assert.deepEqual(
        (await dbClusterSnapshots(control, SCOPE).list()).map(({ value }) => value.status),
        ['available'],
      )
      assert.deepEqual(await baseBackups(control, SCOPE).list(), [])
      for (const records of [auroraClusters(control, SCOPE), dbInstances(control, SCOPE), volumes(control, SCOPE)])
        assert.deepEqual(await records.list(), [])
      assert.deepEqual(await control.flows.list(), [])
    },
  },
]

const walked = new Set<string>()

for (const { what, flows, except = [], prepare, run, verify } of SCENARIOS)
  for (const { flow, step } of STEPS.filter((one) => flows.includes(one.flow) && !except.includes(one.step)))
    test(`${what}, and ${flow}.${step} runs twice`, async () => {
      const control = await simulatedControl()
      await prepare?.(control)
      control.losing = `${flow}.${step}`
      await inTime(control, run(control))
      await verify(control)
      if (control.losing === undefined) walked.add(`${flow}.${step}`)
      control.losing = undefined
    })

after(() => {
  const missed = STEPS.map(({ flow, step }) => `${flow}.${step}`).filter((point) => !walked.has(point))
  assert.deepEqual(missed, [], 'every step was lost in one scenario')
})
