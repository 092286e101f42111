import { MIB } from '#base/bytes.ts'
import type { CliCommand } from '../command.ts'
import { health } from '../holdfast-api.ts'
import type { Health } from '../holdfast-api.ts'
import { table } from '../output.ts'
import { listInstances } from '../rds-api.ts'
import type { InstanceRow } from '../rds-api.ts'

export const status: CliCommand = {
  name: 'status',
  summary: 'Show the hosts and DB instances of a running Holdfast',
  args: [],
  options: [],
  hasTarget: true,
  examples: ['holdfast status', 'holdfast status --json --region eu-central-1'],
  run: async ({ target, output }) => {
    const state = await health(target)
    const instances = await listInstances(target)
    const { endpoint, region } = target
    const value = { endpoint, region, ...state, dbInstances: instances }
    output.result(value, () =>
      [
        `Holdfast ${state.version} at ${endpoint}: ${state.status}, ${state.engines} engines`,
        hostsText(state),
        instancesText(instances, region),
      ].join('\n\n'),
    )
  },
}

function hostsText({ zones }: Health): string {
  const rows = zones.map(({ zone, agent, instances }) => [
    zone,
    agent === null ? 'not started' : `pid ${agent.pid}`,
    agent === null ? '-' : `${Math.round(agent.residentBytes / MIB)} MiB`,
    String(instances),
  ])
  return table(['ZONE', 'AGENT', 'MEMORY', 'INSTANCES'], rows)
}

function instancesText(instances: readonly InstanceRow[], region: string): string {
  if (instances.length === 0) return `No DB instances in ${region}.`
  const rows = instances.map((row) => [
    row.identifier,
    row.status,
    `${row.engine} ${row.engineVersion}`,
    row.class,
    row.maintenance ?? '-',
    row.endpoint === undefined ? '-' : `${row.endpoint.address}:${row.endpoint.port}`,
  ])
  return table(['DB INSTANCE', 'STATUS', 'ENGINE', 'CLASS', 'MAINTENANCE', 'ENDPOINT'], rows)
}
