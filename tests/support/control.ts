/** A Control without processes, disk or real time: for tests of rules through their API handlers. */
import { createHash } from 'node:crypto'
import type { RequestContext } from '#api/handler.ts'
import { GIB } from '#base/bytes.ts'
import { DAY_MS } from '#base/durations.ts'
import type { EngineVersion } from '#catalog/engine-versions.ts'
import type { Control, Scope } from '#control/control.ts'
import { simulatedEndpoints } from '#control/simulated-endpoints.ts'
import { REAL_SCALE } from '#control/storage/scale.ts'
import type { Flows } from '#flow/flows.ts'
import { SimulatedClock } from '#host/simulated-clock.ts'
import { memoryStore } from '#store/memory-store.ts'
import { openMetrics } from '#telemetry/sqlite-metrics.ts'
import type { Authority, CaIdentifier } from '#trust/authority.ts'

export const SCOPE: Scope = { account: '000000000000', region: 'us-east-1' }

export interface TestControl extends Control {
  readonly clock: SimulatedClock
}

/** Its own store and clock each time. Flows are started and never run; hosts are three zones that answer nothing. */
export function testControl(overrides: Partial<Control> = {}): TestControl {
  const clock = new SimulatedClock()
  return {
    store: memoryStore(clock),
    flows: idleFlows(),
    hosts: { zones: ['a', 'b', 'c'], observed: () => undefined } as unknown as Control['hosts'],
    endpoints: simulatedEndpoints(),
    random: countingRandom(),
    vault: { seal: (clear) => clear, open: (sealed) => sealed, derive: () => Buffer.alloc(32) },
    authority: testAuthority(clock),
    versions: VERSIONS,
    hostMemoryBytes: 16 * GIB,
    hostVcpus: 4,
    storageScale: REAL_SCALE,
    pauseSpeed: 1,
    metrics: openMetrics(':memory:', clock),
    isPortFree: async () => true,
    ports: { preferred: 5432, first: 4510, last: 4999 },
    advertised: { hostname: 'localhost', listenAddress: '127.0.0.1' },
    failoverPauseMs: 60_000,
    regionLatencyMs: 0,
    simulated: false,
    auroraPreview: false,
    ...overrides,
    clock,
  }
}

export function requestContext(control: Control, scope: Scope = SCOPE): RequestContext {
  return {
    ...scope,
    control,
    requestId: 'test',
    accessKeyId: undefined,
    accountOf: () => scope.account,
    service: 'rds',
    operation: 'Test',
  }
}

const version = (text: string): EngineVersion => ({
  engine: 'postgres',
  version: text,
  major: text.split('.')[0]!,
  source: 'npm',
})

/** From old to new, as serve gives them. */
const VERSIONS: readonly EngineVersion[] = ['15.18', '17.9', '17.10', '18.3', '18.4'].map(version)

/** The same bytes in every run, no two draws alike. */
function countingRandom(): Control['random'] {
  let count = 0
  const draw = (length: number): Buffer =>
    createHash('shake256', { outputLength: length }).update(`${count++}`).digest()
  return { bytes: draw, uuid: () => `00000000-0000-4000-8000-${draw(6).toString('hex')}` }
}

function idleFlows(): Flows {
  const start = (): { id: string; writes: { compares: []; ops: [] } } => ({
    id: 'flow',
    writes: { compares: [], ops: [] },
  })
  return { start, supersede: async () => start(), wake: () => {}, wakeSubjects: () => {} } as unknown as Flows
}

function testAuthority(clock: SimulatedClock): Authority {
  const identifiers: readonly CaIdentifier[] = ['rds-ca-ecc384-g1', 'rds-ca-rsa2048-g1', 'rds-ca-rsa4096-g1']
  const aYear = (): { validFrom: number; validTill: number } => ({
    validFrom: clock.now(),
    validTill: clock.now() + 365 * DAY_MS,
  })
  return {
    identifiers,
    defaultIdentifier: 'rds-ca-ecc384-g1',
    issue: async () => ({ certificatePem: '', privateKeyPem: '', caPem: '', ...aYear() }),
    certificate: async (identifier) => ({ identifier, pem: '', thumbprint: 'ab12', ...aYear() }),
    bundlePem: async () => '',
  }
}
