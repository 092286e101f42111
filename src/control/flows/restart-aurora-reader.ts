import { done, flow, go, wait, type Next } from '#flow/flow.ts'
import { auroraSubjectOf, isWriter } from '../aurora-cluster/record.ts'
import { serves } from '../aurora-cluster/sight.ts'
import { openRoute } from '../multi-az/route.ts'
import { auroraSpec, heldAurora } from './aurora-context.ts'
import { change, instanceEvent, instanceOf, jobOn, type FlowContext, type InstanceInput } from './context.ts'
import { failedAgain, finished } from './endings.ts'
import { restartDeadlineMs } from './limits.ts'

type C = FlowContext<InstanceInput>

const LOOK_MS = 1000

/** A reader starts again: for a reboot, with its cluster, or because it was the writer. Clients are not taken to it meanwhile. */
export const restartAuroraReader = flow(
  'restart-aurora-reader',
  { exhausted: 'fail', policy: { deadlineMs: restartDeadlineMs } },
  {
    restart: async (c: C): Promise<Next<'serve' | 'finish'>> => {
      const held = await instanceOf(c)
      const au = held && (await heldAurora(c.control, held.value.cluster!))
      if (!held || !au) return done('deleted')
      const record = held.value
      // It has taken over meanwhile: whoever had it do so sees to it.
      if (isWriter(au.cluster, record)) return done('writer')
      const outcome = await jobOn(c, record, {
        name: `restart-${c.failures}`,
        kind: 'instance.restart',
        input: async () => ({ spec: await auroraSpec(c.control, au.cluster, record) }),
      })
      if (outcome.state === 'pending') return wait()
      if (outcome.state === 'succeeded') return go('serve')
      const { code, message } = outcome.error
      if (code !== 'bad-settings') throw new Error(`restart the reader: ${message}`)
      return go(
        'finish',
        change(c, held, { phase: 'incompatible-parameters', complaint: message, stoppedAt: undefined }),
        instanceEvent(c.control, record, 'RDS-EVENT-0035', message),
      )
    },

    serve: async (c: C): Promise<Next<'finish' | 'serve'>> => {
      const held = await instanceOf(c)
      if (!held) return done('deleted')
      const record = held.value
      if (!serves(c.control, record)) return wait({ timeoutMs: LOOK_MS })
      await openRoute(c.control, record)
      return go(
        'finish',
        change(c, held, { phase: 'available', complaint: undefined, stoppedAt: undefined }),
        instanceEvent(c.control, record, record.phase === 'starting' ? 'RDS-EVENT-0088' : 'RDS-EVENT-0006'),
      )
    },

    finish: async (c: C) => {
      const held = await instanceOf(c)
      const ended = await finished(c, 'restarted')
      if (held?.value.cluster) c.control.flows.wakeSubjects(auroraSubjectOf(held.value.cluster))
      return ended
    },

    fail: (c: C) => failedAgain(c),
  },
)
