import { done, flow, go, wait, type Next } from '#flow/flow.ts'
import { auroraSubjectOf, isWriter } from '../aurora-cluster/record.ts'
import { routeCluster } from '../aurora-cluster/routes.ts'
import { obstacleOf, reads, serves, streams } from '../aurora-cluster/sight.ts'
import { openRoute } from '../multi-az/route.ts'
import { heldAurora, specAs, volumeOf } from './aurora-context.ts'
import { change, instanceEvent, instanceOf, jobOn, type FlowContext, type InstanceInput } from './context.ts'
import { failedAgain, finished } from './endings.ts'
import { restartDeadlineMs } from './limits.ts'

type C = FlowContext<InstanceInput>

type Step = 'restart' | 'renew' | 'serve' | 'finish' | 'fail'

const LOOK_MS = 1000

/** A reader starts again: for a reboot, with its cluster, or because it was the writer. Clients are not taken to it meanwhile. */
export const restartAuroraReader = flow(
  'restart-aurora-reader',
  { exhausted: 'fail', policy: { deadlineMs: restartDeadlineMs } },
  {
    restart: async (c: C): Promise<Next<Step>> => {
      const held = await instanceOf(c)
      const au = held && (await heldAurora(c.control, held.value.cluster!))
      if (!held || !au) return done('deleted')
      const record = held.value
      // It has taken over meanwhile: whoever had it do so sees to it.
      if (isWriter(au.cluster, record)) return done('writer')
      const volume = (await volumeOf(c.control, au))!.value
      const spec = (): ReturnType<typeof specAs> => specAs(c.control, { record, part: 'reader', volume })
      const outcome = reads(c.control, record)
        ? await jobOn(c, record, {
            name: `restart-${c.failures}`,
            kind: 'instance.restart',
            input: async () => ({ spec: await spec() }),
          })
        : // It was stopped, or it wrote.
          await jobOn(c, record, {
            name: `attach-${c.failures}`,
            kind: 'instance.attach',
            input: async () => ({ spec: await spec(), image: undefined }),
          })
      if (outcome.state === 'pending') return wait()
      if (outcome.state === 'succeeded') return go('serve')
      const { code, message } = outcome.error
      if (code === 'diverged') return go('renew')
      if (code !== 'bad-settings') throw new Error(`restart the reader: ${message}`)
      return go(
        'finish',
        change(c, held, { phase: 'incompatible-parameters', complaint: message, stoppedAt: undefined }),
        instanceEvent(c.control, record, 'RDS-EVENT-0035', message),
      )
    },

    /** It wrote what the volume does not have, or was away for too long: a copy of an image of the volume takes its place. */
    renew: async (c: C): Promise<Next<Step>> => {
      const held = await instanceOf(c)
      const au = held && (await heldAurora(c.control, held.value.cluster!))
      if (!held || !au) return done('deleted')
      const record = held.value
      if (isWriter(au.cluster, record)) return done('writer')
      const volume = (await volumeOf(c.control, au))!.value
      const outcome = await jobOn(c, record, {
        name: `renew-${c.enteredAt}-${c.failures}`,
        kind: 'instance.attach',
        input: async () => ({
          spec: await specAs(c.control, { record, part: 'reader', volume }),
          image: { snapshotId: volume.seed!.imageId, making: `${c.flowId}/${c.enteredAt}` },
        }),
      })
      if (outcome.state === 'pending') return wait()
      if (outcome.state === 'failed') throw new Error(`make the reader anew: ${outcome.error.message}`)
      return go('serve')
    },

    serve: async (c: C): Promise<Next<Step>> => {
      const held = await instanceOf(c)
      if (!held) return done('deleted')
      const record = held.value
      if (obstacleOf(c.control, record) !== undefined) return go('renew')
      if (!serves(c.control, record) || !streams(c.control, record)) return wait({ timeoutMs: LOOK_MS })
      await openRoute(c.control, record)
      return go(
        'finish',
        change(c, held, { phase: 'available', complaint: undefined, stoppedAt: undefined }),
        instanceEvent(c.control, record, record.phase === 'starting' ? 'RDS-EVENT-0088' : 'RDS-EVENT-0006'),
      )
    },

    finish: async (c: C) => {
      const held = await instanceOf(c)
      const au = held && (await heldAurora(c.control, held.value.cluster!))
      if (!au) return done('deleted')
      await routeCluster(c.control, au.cluster)
      const ended = await finished(c, 'restarted')
      c.control.flows.wakeSubjects(auroraSubjectOf(held.value.cluster!))
      return ended
    },

    fail: (c: C) => failedAgain(c),
  },
)
