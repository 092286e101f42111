/** Entry point of an agent process over sleeping engines: `sleeping-agent.ts --state DIR --az a`. */
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { runAgentProcess } from '../../src/role/run-agent.ts'
import { systemClock } from '#host/clock.ts'
import { openLog } from '#telemetry/log.ts'
import { sleepingEngine } from './sleeping-engine.ts'

const { values } = parseArgs({
  options: { state: { type: 'string' }, az: { type: 'string' }, 'takes-over': { type: 'boolean' } },
})
await runAgentProcess({
  state: values.state!,
  az: values.az!,
  log: openLog({ level: 'debug', clock: systemClock, destination: process.stderr }),
  env: process.env,
  takesOver: values['takes-over'],
  headProgram: [process.execPath, fileURLToPath(new URL('sleeping-head.ts', import.meta.url))],
  drivers: async () => ({ postgres: sleepingEngine() }),
})
process.exit(0)
