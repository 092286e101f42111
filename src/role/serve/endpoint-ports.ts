import type { EndpointPorts } from '#control/control.ts'
import { StartError } from './start-error.ts'

/** PostgreSQL's own port, which RDS prefers too, and the range that AWS emulators use for engines. */
const USUAL: EndpointPorts = { preferred: 5432, first: 4510, last: 4999 }

/** `HOLDFAST_ENGINE_PORTS=first-last` keeps all endpoints inside that range, unless a request names another port. */
export function endpointPorts(configured: string | undefined): EndpointPorts {
  if (configured === undefined || configured === '') return USUAL
  const [, first, last] = /^(\d{4,5})-(\d{4,5})$/.exec(configured)?.map(Number) ?? []
  if (first === undefined || last === undefined || first < 1150 || first > last || last > 65_535)
    throw new StartError(
      `HOLDFAST_ENGINE_PORTS is '${configured}', which is no range of ports.`,
      'Give it as first-last, between 1150 and 65535: HOLDFAST_ENGINE_PORTS=6000-6099',
    )
  return { preferred: first, first, last }
}
