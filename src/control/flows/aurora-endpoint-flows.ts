/** What becomes of an Aurora cluster's endpoints when users change them. */
import { done, flow, go, type Next } from '#flow/flow.ts'
import { routeCluster } from '../aurora-cluster/routes.ts'
import { releasePort } from '../db-instance/ports.ts'
import { auroraOf, changeAurora, type AuroraContext, type AuroraInput } from './aurora-context.ts'
import type { FlowContext } from './context.ts'

/** Every endpoint leads where the cluster says. */
export const routeAuroraCluster = flow(
  'route-aurora-cluster',
  { exhausted: 'route' },
  {
    route: async (c: AuroraContext): Promise<Next<'route'>> => {
      const au = await auroraOf(c)
      if (!au) return done('deleted')
      await routeCluster(c.control, au.cluster)
      return done('routed')
    },
  },
)

interface Input extends AuroraInput {
  /** Resource id. */
  readonly endpoint: string
}

/** The port is somebody else's to have only when the gateway has left it. */
export const deleteAuroraEndpoint = flow(
  'delete-aurora-endpoint',
  { exhausted: 'remove' },
  {
    remove: async (c: FlowContext<Input>): Promise<Next<'remove' | 'forget'>> => {
      await c.control.endpoints.remove(c.input.endpoint)
      return go('forget')
    },

    forget: async (c: FlowContext<Input>): Promise<Next<'remove' | 'forget'>> => {
      const au = await auroraOf(c)
      const endpoint = au?.cluster.endpoints.find(({ resourceId }) => resourceId === c.input.endpoint)
      if (!au || !endpoint) return done('deleted')
      return done(
        'deleted',
        changeAurora(c.control, au, { endpoints: au.cluster.endpoints.filter((one) => one !== endpoint) }),
        ...(c.control.simulated ? [] : [releasePort(endpoint.port)]),
      )
    },
  },
)
