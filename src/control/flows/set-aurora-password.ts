import { done, flow, wait, type Next } from '#flow/flow.ts'
import { serves } from '../aurora-cluster/sight.ts'
import { auroraOf, changeMembers, replaceAurora, type AuroraContext as C } from './aurora-context.ts'
import { instanceEvent, jobOn } from './context.ts'
import { timerDeadlineMs } from './limits.ts'

const LOOK_MS = 10_000

/** Gives the master user a new password, through whoever writes. It is in the way of nothing: a writer may be lost meanwhile. */
export const setAuroraPassword = flow(
  'set-aurora-password',
  { exhausted: 'set', policy: { deadlineMs: timerDeadlineMs } },
  {
    set: async (c: C): Promise<Next<'set'>> => {
      const au = await auroraOf(c)
      if (!au) return done('deleted')
      const { cluster, members } = au
      const { pendingVerifier: verifier, ...rest } = cluster
      if (verifier === undefined) return done('set already')
      const writer = members.get(cluster.writer ?? '')?.value
      // The next writer's start begins this again.
      if (!writer || !cluster.isOpen) return done('nobody writes')
      if (!serves(c.control, writer)) return wait({ timeoutMs: LOOK_MS })
      const outcome = await jobOn(c, writer, {
        name: `password-${c.failures}`,
        kind: 'instance.set-password',
        input: async () => ({
          id: writer.resourceId,
          master: { name: cluster.master.username, passwordVerifier: verifier },
        }),
      })
      if (outcome.state === 'pending') return wait()
      if (outcome.state === 'failed') throw new Error(`set the password: ${outcome.error.message}`)
      await c.control.hosts.forgetJobs(writer.zone, `${writer.resourceId}/${c.flowId}/`)
      const master = { ...cluster.master, verifier }
      return done(
        'set',
        replaceAurora(c.control, au, { ...rest, master }),
        changeMembers(c.control, members.values(), { master }),
        instanceEvent(c.control, writer, 'RDS-EVENT-0016'),
      )
    },
  },
)
