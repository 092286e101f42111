/** An agent on a simulated clock, a memory store and scripted engines, all of which outlive it. */
import assert from 'node:assert/strict'
import { createAgent } from '#agent/agent.ts'
import type { Agent, AgentReport } from '#agent/agent.ts'
import { memoryVolumes } from '#agent/memory-volumes.ts'
import type { ConnectedLogNode } from '#agent/log-node.ts'
import type { Volumes } from '#agent/volumes.ts'
import { memoryLog } from '#base/memory-log.ts'
import type { ControlGroups } from '#host/control-groups.ts'
import { SimulatedClock } from '#host/simulated-clock.ts'
import { memoryStore } from '#store/memory-store.ts'
import type { Store } from '#store/store.ts'
import type { JobView, ObservedInstance } from '#wire/agent/messages.ts'
import { ScriptedEngine, specOf } from './scripted-engine.ts'
import { ScriptedHeads } from './scripted-heads.ts'

export const master = { name: 'app', passwordVerifier: 'SCRAM-SHA-256$very secret' }
export const spec = specOf('db-A')
export const creation = { spec, master, databaseName: undefined }

export class AgentBench {
  readonly clock = new SimulatedClock()
  readonly store: Store = memoryStore(this.clock)
  readonly engine = new ScriptedEngine()
  readonly volumes: Volumes = {
    ...memoryVolumes(),
    removeInstance: async (id) => void this.engine.volumes.delete(this.folder(id)),
    dropBallast: async () => this.ballasts-- > 0,
  }
  /** How often there is something set aside on a volume. */
  ballasts = 0
  /** Of the next agent. */
  logNode: ConnectedLogNode | undefined
  readonly heads = new ScriptedHeads()
  /** Of the next agent. */
  groups: ControlGroups | undefined
  readonly log = memoryLog()
  reports: AgentReport[] = []

  folder(id: string): string {
    return `memory:instances/${id}`
  }

  /** A new agent on what is left of the last one. */
  async agent(store: Store = this.store): Promise<Agent> {
    const { clock, volumes, log, logNode, heads, groups } = this
    const drivers = { postgres: this.engine }
    const kept: Store = keepOpen(store)
    const parts = { drivers, volumes, clock, log, logNode, heads, groups, probes: true }
    const agent = await createAgent({ az: 'a', store: kept, ...parts })
    agent.onReport((report) => this.reports.push(report))
    return agent
  }

  /** Dies as by kill -9: nothing that it still does reaches the store. */
  async dyingAgent(): Promise<{ agent: Agent; die(): void }> {
    let dead = false
    const store: Store = {
      ...bound(this.store),
      commit: (...args) => (dead ? new Promise(() => {}) : this.store.commit(...args)),
    }
    return { agent: await this.agent(store), die: () => (dead = true) }
  }

  async storedText(): Promise<string> {
    return JSON.stringify((await this.store.range('')).entries)
  }
}

export function bound(store: Store): Store {
  return {
    durable: store.durable,
    get: (key) => store.get(key),
    range: (prefix, options) => store.range(prefix, options),
    commit: (compares, ops) => store.commit(compares, ops),
    watch: (prefix, after, onChanges) => store.watch(prefix, after, onChanges),
    grantLease: (ttlMs) => store.grantLease(ttlMs),
    renewLease: (lease) => store.renewLease(lease),
    revokeLease: (lease) => store.revokeLease(lease),
    close: () => store.close(),
  }
}

const keepOpen = (store: Store): Store => ({ ...bound(store), close: async () => {} })

export async function ended(agent: Agent, jobId: string): Promise<JobView> {
  if (agent.job(jobId).state !== 'running') return agent.job(jobId)
  return new Promise((resolve) => {
    const stop = agent.onReport((report) => {
      if (report.type !== 'job' || report.jobId !== jobId || report.view.state === 'running') return
      stop()
      resolve(report.view)
    })
  })
}

export async function run(agent: Agent, ...[jobId, kind, input]: Parameters<Agent['startJob']>): Promise<JobView> {
  await agent.startJob(jobId, kind, input)
  return ended(agent, jobId)
}

export const seen = (agent: Agent): Pick<ObservedInstance, 'state' | 'accepting' | 'crashes'> | undefined => {
  const found = agent.observed()[0]
  return found && { state: found.state, accepting: found.accepting, crashes: found.crashes }
}

export const UP = { state: 'running', accepting: true, crashes: 0 }

export async function created(bench: AgentBench): Promise<Agent> {
  const agent = await bench.agent()
  assert.equal((await run(agent, 'create', 'instance.create', creation)).state, 'succeeded')
  return agent
}
