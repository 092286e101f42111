/** Two real engines of one database, set up with the driver's verbs alone. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { InstanceSpec } from '#wire/agent/messages.ts'
import type { PrimaryReplication, Replication } from '#wire/agent/replication.ts'
import { eventually } from './eventually.ts'
import { freePort } from './free-port.ts'
import { never } from './postgres-bench.ts'
import type { PostgresBench, TestInstance } from './postgres-bench.ts'

export const primaryOf = (followers: readonly string[], synchronous: readonly string[]): PrimaryReplication => ({
  role: 'primary',
  followers,
  synchronous,
})

/** Brings a running engine another part in replication; gives the spec that it has then. */
export async function reconfigure(
  { driver }: PostgresBench,
  instance: TestInstance,
  replication: Replication,
): Promise<InstanceSpec> {
  const spec = { ...instance.spec, replication }
  await driver.configure(instance.folder, spec)
  await driver.reload(instance.folder, spec)
  await driver.admitFollowers(instance.folder, spec)
  return spec
}

let seeds = 0

interface FollowOptions {
  readonly readable?: boolean
  readonly settings?: Record<string, string>
  readonly name?: string
  /** Of who gives the log, where that is not the engine itself. It has the engine's certificate. */
  readonly upstreamPort?: number
}

/** A standby of a running engine, named `b` unless told otherwise. It streams when this resolves. */
export async function follow(
  bench: PostgresBench,
  primary: TestInstance,
  { readable = false, settings = {}, name = 'b', upstreamPort = primary.spec.port }: FollowOptions = {},
): Promise<TestInstance> {
  const source = await reconfigure(bench, primary, primaryOf(['b'], []))
  const seed = join(bench.root, 'snapshots', `seed-${++seeds}`)
  await bench.driver.snapshot(primary.folder, source, seed, true, never)
  const spec: InstanceSpec = {
    ...primary.spec,
    port: await freePort(),
    settings: { ...primary.spec.settings, ...settings },
    replication: {
      role: 'standby',
      name,
      followers: [],
      source: { host: '127.0.0.1', port: upstreamPort, caPem: primary.spec.tls.caPem },
      readable,
    },
  }
  const folder = join(bench.root, 'instances', `${primary.spec.id}-standby-${seeds}`)
  mkdirSync(folder, { mode: 0o711 })
  await bench.driver.follow(folder, spec, seed, never)
  await bench.driver.configure(folder, spec)
  const engine = bench.started(await bench.driver.start(folder, spec, never))
  await eventually('the standby streams', async () => {
    const seen = await bench.driver.replication(folder, spec)
    return seen?.role === 'standby' && seen.isStreaming ? true : undefined
  })
  return { folder, spec, engine }
}
