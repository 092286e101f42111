/** A Control whose flows run: on simulated engines in this process and a clock that moves only when told to. */
import type { CreateDBInstanceMessage } from '@aws-sdk/client-rds'
import { createAgent, type Agent } from '#agent/agent.ts'
import { memoryLogNode } from '#agent/memory-log-node.ts'
import { memoryVolumes, volumesOf } from '#agent/memory-volumes.ts'
import { simulatedHeads } from '#agent/simulated-heads.ts'
import { memoryLog, type MemoryLog } from '#base/memory-log.ts'
import { Trouble } from '#base/trouble.ts'
import { AURORA_TIMERS } from '#control/aurora-cluster/record.ts'
import type { Control } from '#control/control.ts'
import { createDbInstance } from '#control/db-instance/create.ts'
import type { DbInstanceRecord } from '#control/db-instance/record.ts'
import type { Hosts } from '#control/hosts.ts'
import { flowIdOfJob } from '#control/flows/context.ts'
import { flowDefinitions } from '#control/flows/definitions.ts'
import { simulatedDriver } from '#engine/simulated.ts'
import type { FlowDefinition, Next } from '#flow/flow.ts'
import { createFlowRunner, type FlowRunner } from '#flow/runner.ts'
import { memoryStore } from '#store/memory-store.ts'
import type { JobErrorCode, JobKind, JobView } from '#wire/agent/messages.ts'
import { inProcessHosts } from '../../src/role/in-process-hosts.ts'
import { SCOPE, testControl, type TestControl } from './control.ts'

export interface SimulatedControl extends TestControl {
  readonly flows: FlowRunner
  readonly log: MemoryLog
  /** The host fails jobs of this kind that begin from now on. */
  failing: JobKind | undefined
  /** The next job of this kind fails, once. */
  failingOnce: JobKind | undefined
  /** With which code those fail; otherwise: `failed`. */
  failingWith: JobErrorCode | undefined
  /** The next job of any kind fails with this code, once. */
  failOnce: JobErrorCode | undefined
  /** What this step gives is lost, once, after it ran, and the step runs again: `<flow>.<step>`. */
  losing: string | undefined
  /** A new flow runner on the same store, as after a restart of serve. */
  restart(): Promise<void>
}

/** Three zones. As in simulated mode, a request is answered when the flow that it started has ended. */
export async function simulatedControl(overrides: Partial<Control> = {}): Promise<SimulatedControl> {
  const base = testControl({ simulated: true, ...overrides })
  const log = memoryLog()
  const driver = simulatedDriver({ versions: base.versions.map(({ version }) => version) })
  const shared = memoryVolumes()
  const { clock } = base
  const agents = new Map<string, Agent>()
  for (const az of ['a', 'b', 'c']) {
    const volumes = volumesOf(az, shared)
    const options = {
      az,
      store: memoryStore(clock),
      drivers: { postgres: driver },
      volumes,
      logNode: memoryLogNode(),
      clock,
      log,
      probes: false,
      heads: simulatedHeads,
    }
    agents.set(az, await createAgent(options))
  }
  const inProcess = inProcessHosts(agents)
  const failed = new Map<string, JobErrorCode>()
  const hosts: Hosts = {
    ...inProcess,
    async startJob(zone, jobId, kind, input) {
      const code =
        control.failOnce ??
        (control.failing === kind || control.failingOnce === kind ? (control.failingWith ?? 'failed') : undefined)
      control.failOnce = undefined
      if (control.failingOnce === kind) control.failingOnce = undefined
      if (code !== undefined) failed.set(jobId, code)
      else await inProcess.startJob(zone, jobId, kind, input)
    },
    job: async (zone, jobId) => failure(failed.get(jobId)) ?? inProcess.job(zone, jobId),
  }
  let runner: FlowRunner
  const control: SimulatedControl = {
    ...base,
    hosts,
    log,
    failing: undefined,
    failingOnce: undefined,
    failingWith: undefined,
    failOnce: undefined,
    losing: undefined,
    get flows() {
      return runner
    },
    async restart() {
      await runner.halt()
      runner = newRunner(control)
      await runner.run()
    },
  }
  runner = newRunner(control)
  hosts.onReport((report) => {
    const flowId = report.type === 'job' ? flowIdOfJob(report.jobId) : undefined
    if (flowId !== undefined) runner.wake(flowId)
    if (report.type === 'log-node') runner.wakeSubjects(AURORA_TIMERS)
  })
  await runner.run()
  return control
}

const failure = (code: JobErrorCode | undefined): JobView | undefined =>
  code && { state: 'failed', error: { code, message: 'The test says so.' } }

export async function newInstance(
  control: Control,
  id: string,
  more: Omit<Partial<CreateDBInstanceMessage>, 'DBInstanceIdentifier' | 'DBInstanceClass' | 'Engine'> = {},
): Promise<DbInstanceRecord> {
  return createDbInstance(control, SCOPE, {
    DBInstanceIdentifier: id,
    Engine: 'postgres',
    DBInstanceClass: 'db.t4g.micro',
    AllocatedStorage: 20,
    MasterUsername: 'app',
    MasterUserPassword: 'correct-horse-battery',
    ...more,
  })
}

/** The flow, whose steps lose what they give where {@link SimulatedControl.losing} says so. */
function forgetful(control: SimulatedControl, definition: FlowDefinition): FlowDefinition {
  const steps = Object.entries(definition.steps).map(([name, step]) => {
    const run = async (context: never): Promise<Next<string>> => {
      const next = await step(context)
      if (control.losing !== `${definition.name}.${name}`) return next
      control.losing = undefined
      throw new Trouble('what the step gave is lost', { culprit: 'us', retryable: true })
    }
    return [name, run] as const
  })
  return { ...definition, steps: Object.fromEntries(steps) }
}

function newRunner(control: SimulatedControl): FlowRunner {
  const { store, clock, random, log } = control
  return createFlowRunner({
    store,
    clock,
    random,
    log,
    definitions: flowDefinitions.map((definition) => forgetful(control, definition)),
    contextOf: (facts) => ({ ...facts, control }),
  })
}
