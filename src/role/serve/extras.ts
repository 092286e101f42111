/** What Holdfast answers beside the AWS APIs, under `/_holdfast/`. */
import type { ExtraRequest } from '#api/server.ts'
import { AwsFault } from '#wire/aws/faults.ts'
import type { Reply } from '#wire/aws/protocols.ts'
import type { Control } from '#control/control.ts'
import { reset } from '#control/reset/reset.ts'
import { VERSION } from '../version.ts'
import type { Parts } from './parts.ts'

interface Extras {
  readonly control: Control
  readonly parts: Parts
  readonly stop: (engines: 'stop' | 'keep') => void
  readonly startedAt: number
}

const json = (value: unknown, status = 200): Reply => ({
  status,
  headers: { 'content-type': 'application/json' },
  body: `${JSON.stringify(value, undefined, 2)}\n`,
})

export function holdfastExtras(extras: Extras): (request: ExtraRequest) => Promise<Reply | undefined> {
  return async ({ method, path, body }) => {
    switch (`${method} ${path}`) {
      case 'GET /_holdfast/health':
        return json(await health(extras))
      case 'GET /_holdfast/ca.pem':
        return {
          status: 200,
          headers: { 'content-type': 'application/x-pem-file' },
          body: await extras.control.authority.bundlePem(),
        }
      case 'GET /_holdfast/engines':
        return json({ engines: await engines(extras) })
      case 'POST /_holdfast/reset':
        await reset(extras.control)
        return json({ status: 'reset' })
      case 'POST /_holdfast/stop': {
        const engines = engineOrder(body)
        // The reply has to be out before the server that sends it stops.
        extras.control.clock.after(REPLY_MS, () => extras.stop(engines))
        return json({ status: 'stopping', engines })
      }
      default:
        return undefined
    }
  }
}

/** Enough for a reply on loopback; a client that misses it still sees the server go. */
const REPLY_MS = 50

function engineOrder(body: Buffer): 'stop' | 'keep' {
  const text = body.toString('utf8').trim()
  if (text === '') return 'stop'
  let asked: unknown
  try {
    asked = (JSON.parse(text) as { engines?: unknown }).engines ?? 'stop'
  } catch {
    asked = undefined
  }
  if (asked === 'stop' || asked === 'keep') return asked
  throw new AwsFault('InvalidParameterValue', 'The body must be {"engines": "stop"} or {"engines": "keep"}.')
}

async function health({ control, parts, startedAt }: Extras): Promise<object> {
  return {
    status: 'running',
    version: VERSION,
    engines: control.simulated ? 'simulated' : 'real',
    pid: process.pid,
    uptimeMs: control.clock.now() - startedAt,
    residentBytes: process.memoryUsage.rss(),
    services: { rds: 'running', cloudwatch: 'running', ec2: 'running', secretsmanager: 'running', sts: 'running' },
    zones: await parts.status(),
    flows: (await control.flows.list()).map(({ name, subject, step, failures, lastError }) => ({
      name,
      subject,
      step,
      failures,
      lastError,
    })),
  }
}

async function engines({ control }: Extras): Promise<object[]> {
  const installed = new Set<string>()
  for (const zone of control.hosts.zones.slice(0, 1)) {
    const facts = await control.hosts.ask(zone, 'host.facts', {})
    for (const version of facts.engines.postgres) installed.add(version)
  }
  return control.versions.map(({ engine, version, source }) => ({
    engine,
    version,
    source,
    installed: installed.has(version),
  }))
}
