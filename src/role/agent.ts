/** The role `agent`: looks after one host with real engines. Started by serve, detached: `agent --state DIR --az a`. */
import { parseArgs } from 'node:util'
import type { EngineDriver } from '#engine/engine.ts'
import type { Account } from '#host/account.ts'
import { systemClock } from '#host/clock.ts'
import { systemRandom } from '#host/random.ts'
import { openLog } from '#telemetry/log.ts'
import { openVault } from '#trust/open-vault.ts'
import type { EngineName } from '#wire/agent/messages.ts'
import { GATE_SECRET } from '#wire/postgres/assurance.ts'
import { runAgentProcess } from './run-agent.ts'
import { stateFolder } from './state-folder.ts'

/** Label of the engines' internal superuser's password. Changing it locks agents out of every existing instance. */
const ADMIN_PASSWORD = 'engine/postgres/rdsadmin'

/** Ends the process when the host needs no agent any more, or another agent has it. */
export async function runAgent(argv: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...argv],
    options: { state: { type: 'string' }, az: { type: 'string' }, 'takes-over': { type: 'boolean' } },
  })
  const { state, az, 'takes-over': takesOver } = values
  if (state === undefined || az === undefined) throw new TypeError('agent: --state and --az are needed')
  // A log that cannot be written, as on a full disk, is no reason to leave engines alone.
  process.stderr.on('error', () => {})
  const level = process.env['HOLDFAST_LOG'] === 'debug' ? 'debug' : 'info'
  const log = openLog({ level, clock: systemClock, destination: process.stderr, fields: { az } })
  const { env } = process
  await runAgentProcess({ state, az, log, env, takesOver, drivers: (account) => realDrivers(state, account) })
  // Timers and children that outlive the work would keep this process, which nobody needs any more.
  process.exit(0)
}

async function realDrivers(
  state: string,
  account: Account | undefined,
): Promise<Readonly<Record<EngineName, EngineDriver>>> {
  const { postgresDriver } = await import('#engine/postgres.ts')
  const folder = stateFolder(state)
  const vault = await openVault(folder.trust)
  return {
    postgres: postgresDriver({
      enginesFolder: folder.engines,
      account,
      adminPassword: vault.derive(ADMIN_PASSWORD).toString('hex'),
      gatePassword: vault.derive(GATE_SECRET).toString('hex'),
      clock: systemClock,
      random: systemRandom,
      env: process.env,
    }),
  }
}
