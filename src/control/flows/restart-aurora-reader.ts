import { done, flow, go, wait, type Next } from '#flow/flow.ts'
import type { Held } from '#store/collection.ts'
import type { EventId } from '#catalog/events.ts'
import type { InstanceSpec, JobError } from '#wire/agent/messages.ts'
import { auroraSubjectOf, isWriter } from '../aurora-cluster/record.ts'
import { routeCluster } from '../aurora-cluster/routes.ts'
import { isDown, needsRenewal, reads, serves, streams } from '../aurora-cluster/sight.ts'
import { isPaused, withPause } from '../db-instance/pause.ts'
import type { DbInstanceRecord } from '../db-instance/record.ts'
import { openRoute } from '../multi-az/route.ts'
import type { VolumeRecord } from '../volume/record.ts'
import { heldAurora, imageFor, specAs, volumeOf, type HeldAurora } from './aurora-context.ts'
import { change, instanceEvent, instanceOf, jobOn, type FlowContext, type InstanceInput } from './context.ts'
import { failedAgain, finished } from './endings.ts'
import { restartDeadlineMs } from './limits.ts'

type C = FlowContext<InstanceInput>

type Step = 'restart' | 'reboot' | 'attach' | 'renew' | 'serve' | 'finish' | 'fail'

const LOOK_MS = 1000

/** Attempts to start an engine on what it has, before it is made anew. */
const STARTS_MAX = 2

/** A reader starts again: for a reboot, with its cluster, or because it was the writer. Clients are not taken to it meanwhile. */
export const restartAuroraReader = flow(
  'restart-aurora-reader',
  { exhausted: 'fail', policy: { deadlineMs: restartDeadlineMs } },
  {
    /** Decided once: what an engine is seen to be changes while it is brought back. */
    restart: async (c: C): Promise<Next<Step>> => {
      const held = await instanceOf(c)
      if (!held) return done('deleted')
      if (needsRenewal(c.control, held.value)) return go('renew')
      return go(reads(c.control, held.value) ? 'reboot' : 'attach')
    },

    reboot: async (c: C): Promise<Next<Step>> => {
      const it = await reader(c)
      if (typeof it === 'string') return done(it)
      const { held, spec } = it
      const outcome = await jobOn(c, held.value, {
        name: `restart-${c.failures}`,
        kind: 'instance.restart',
        input: async () => ({ spec: await spec() }),
      })
      if (outcome.state === 'pending') return wait()
      if (outcome.state === 'succeeded') return go('serve')
      return outcome.error.code === 'bad-settings' ? refused(c, held, outcome.error) : go('attach')
    },

    /** It was stopped, or it wrote: it lets nobody in before it is known to follow. */
    attach: async (c: C): Promise<Next<Step>> => {
      const it = await reader(c)
      if (typeof it === 'string') return done(it)
      const { held, spec } = it
      const outcome = await jobOn(c, held.value, {
        name: `attach-${c.failures}`,
        kind: 'instance.attach',
        input: async () => ({ spec: await spec(), image: undefined }),
      })
      if (outcome.state === 'pending') return wait()
      if (outcome.state === 'succeeded') return go('serve')
      const { code, message } = outcome.error
      if (code === 'bad-settings') return refused(c, held, outcome.error)
      if (code === 'diverged' || c.failures >= STARTS_MAX) return go('renew')
      throw new Error(`start the reader: ${message}`)
    },

    /** It wrote what the volume does not have, or was away for too long: a copy of an image of the volume takes its place. */
    renew: async (c: C): Promise<Next<Step>> => {
      const it = await reader(c)
      if (typeof it === 'string') return done(it)
      const { held, au, volume, spec } = it
      const { zone } = held.value
      const outcome = await jobOn(c, held.value, {
        name: `renew-${c.enteredAt}-${c.failures}`,
        kind: 'instance.attach',
        input: async () => ({
          spec: await spec(),
          image: await imageFor(c.control, au, { zone, volume, making: `${c.flowId}/${c.enteredAt}` }),
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
      if (needsRenewal(c.control, record) || isDown(c.control, record)) return go('renew')
      if (!serves(c.control, record) || !streams(c.control, record)) return wait({ timeoutMs: LOOK_MS })
      await openRoute(c.control, record)
      return go(
        'finish',
        change(c, held, {
          ...withPause(record, undefined),
          phase: 'available',
          complaint: undefined,
          stoppedAt: undefined,
        }),
        instanceEvent(c.control, record, startedAs(record)),
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

const startedAs = (record: DbInstanceRecord): EventId => {
  if (isPaused(record)) return 'RDS-EVENT-0374'
  return record.phase === 'starting' ? 'RDS-EVENT-0088' : 'RDS-EVENT-0006'
}

interface Reader {
  readonly held: Held<DbInstanceRecord>
  readonly au: HeldAurora
  readonly volume: VolumeRecord
  /** Of the reader that it is to be. */
  spec(): Promise<InstanceSpec>
}

/** `writer`: it has taken over meanwhile, and whoever had it do so sees to it. */
async function reader(c: C): Promise<Reader | 'deleted' | 'writer'> {
  const held = await instanceOf(c)
  const au = held && (await heldAurora(c.control, held.value.cluster!))
  if (!held || !au) return 'deleted'
  if (isWriter(au.cluster, held.value)) return 'writer'
  const volume = (await volumeOf(c.control, au))!.value
  return { held, au, volume, spec: () => specAs(c.control, { record: held.value, part: 'reader', volume }) }
}

const refused = (c: C, held: Held<DbInstanceRecord>, { message }: JobError): Next<Step> =>
  go(
    'finish',
    change(c, held, { phase: 'incompatible-parameters', complaint: message, stoppedAt: undefined }),
    instanceEvent(c.control, held.value, 'RDS-EVENT-0035', message),
  )
