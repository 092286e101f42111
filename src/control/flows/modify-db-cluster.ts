import { done, flow, go, wait } from '#flow/flow.ts'
import { memberIn } from '../db-cluster/record.ts'
import { writerServes } from '../db-cluster/sight.ts'
import { instanceEvent, jobOn } from './context.ts'
import {
  changeMembers,
  clusterFinished,
  clusterOf,
  replaceCluster,
  type ClusterContext as C,
} from './db-cluster-context.ts'
import { LOOK_MS } from './db-cluster-duty.ts'
import { standbyPatienceMs, timerDeadlineMs } from './limits.ts'

/**
 * Gives the master user its new password, by the writer: readers get it with the log. Not the cluster's one flow that
 * changes who is what, since the writer may fail meanwhile: then the next one gets the password, too.
 */
export const modifyDbCluster = flow(
  'modify-db-cluster',
  { exhausted: 'rest', policy: { deadlineMs: timerDeadlineMs } },
  {
    password: async (c: C) => {
      const cl = await clusterOf(c)
      if (!cl || cl.cluster.phase === 'deleting') return done('deleted')
      const { pendingVerifier, ...cluster } = cl.cluster
      if (pendingVerifier === undefined) return go('finish')
      if (cluster.phase !== 'available' || !writerServes(c.control, cl.cluster)) return wait({ timeoutMs: LOOK_MS })
      const writer = memberIn(cluster, cluster.writer)
      const outcome = await jobOn(c, writer, {
        // A failed job is remembered: another attempt has another name.
        name: `password-${c.enteredAt}-${c.failures}`,
        kind: 'instance.set-password',
        input: async () => ({
          id: writer.resourceId,
          master: { name: cluster.master.username, passwordVerifier: pendingVerifier },
        }),
      })
      if (outcome.state === 'pending') return wait({ timeoutMs: LOOK_MS })
      // A managed secret holds the new password already: the engine has to follow, so this is tried again.
      if (outcome.state === 'failed') throw new Error(`set the master password: ${outcome.error.message}`)
      const master = { ...cluster.master, verifier: pendingVerifier }
      return go(
        'finish',
        replaceCluster(c, cl, { ...cluster, master }),
        changeMembers(c, cl, { master }),
        instanceEvent(c.control, cl.members.get(cluster.writer)!.value, 'RDS-EVENT-0016'),
      )
    },

    finish: (c: C) => clusterFinished(c, 'modified'),

    /** What failed again and again is begun anew after a while. */
    rest: async (c: C) => {
      const leftMs = standbyPatienceMs - c.spentMs
      return leftMs > 0 ? wait({ timeoutMs: leftMs }) : go('password')
    },
  },
)
