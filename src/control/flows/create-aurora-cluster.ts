import { done, flow, go } from '#flow/flow.ts'
import { auroraKeeperSubjectOf } from '../aurora-cluster/record.ts'
import { issueCertificate } from '../db-instance/certificate.ts'
import { defaultCaIdentifier } from '../certificate/default-ca.ts'
import { subjectOf } from '../db-instance/record.ts'
import { auroraOf, changeAurora, type AuroraContext as C } from './aurora-context.ts'
import { clusterEvent } from './db-cluster-context.ts'

/** A new Aurora cluster: one certificate for all of its endpoints, and its volume. Instances come later. */
export const createAuroraCluster = flow(
  'create-aurora-cluster',
  { exhausted: 'abandon' },
  {
    certify: async (c: C) => {
      const au = await auroraOf(c)
      if (!au) return done('deleted')
      const { resourceId } = au.cluster
      const certificate = await issueCertificate(
        c.control,
        resourceId,
        await defaultCaIdentifier(c.control, au.cluster),
      )
      return go('finish', changeAurora(c.control, au, { certificate }))
    },

    finish: async (c: C) => {
      const au = await auroraOf(c)
      if (!au) return done('deleted')
      const { key } = c.input
      const keeper = await c.control.flows.supersede('keep-aurora-cluster', auroraKeeperSubjectOf(key), { key })
      return go(
        'wake',
        changeAurora(c.control, au, { phase: 'available' }),
        clusterEvent(c.control, au.cluster, 'RDS-EVENT-0170'),
        keeper.writes,
      )
    },

    /** Instances may have come already, and wait for the volume. */
    wake: async (c: C) => {
      const au = await auroraOf(c)
      for (const member of au?.cluster.members ?? [])
        c.control.flows.wakeSubjects(subjectOf({ ...c.input.key, resourceId: member.resourceId }))
      return done('available')
    },

    abandon: async (c: C) => {
      const au = await auroraOf(c)
      if (!au) return done('deleted')
      const complaint = c.lastError ?? 'The DB cluster could not be created in time.'
      return done('failed', changeAurora(c.control, au, { phase: 'failed', complaint }))
    },
  },
)
