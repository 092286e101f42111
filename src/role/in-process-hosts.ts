/** Hosts whose agents run in this process: simulated mode, and tests of control. */
import type { Agent } from '#agent/agent.ts'
import type { HostReport, Hosts } from '#control/hosts.ts'
import type { ObservedInstance } from '#wire/agent/messages.ts'

/** By zone. The agents stay the caller's. */
export function inProcessHosts(agents: ReadonlyMap<string, Agent>): Hosts {
  const listeners = new Set<(report: HostReport) => void>()
  const observed = new Map<string, Map<string, ObservedInstance>>()
  for (const [zone, agent] of agents) {
    const seen = new Map(agent.observed().map((instance) => [instance.id, instance]))
    observed.set(zone, seen)
    agent.onReport((report) => {
      if (report.type === 'gone') return void seen.delete(report.id)
      if (report.type === 'log-node') {
        for (const listener of listeners) listener({ type: 'log-node', zone })
      } else if (report.type === 'observed') {
        const { instance } = report
        const before = seen.get(instance.id)
        seen.set(instance.id, instance)
        for (const listener of listeners) listener({ type: 'observed', zone, instance, before })
      } else for (const listener of listeners) listener({ type: 'job', zone, jobId: report.jobId, view: report.view })
    })
  }
  const agentOf = (zone: string): Agent => {
    const agent = agents.get(zone)
    if (!agent) throw new RangeError(`there is no zone ${zone}`)
    return agent
  }
  return {
    zones: [...agents.keys()],
    job: async (zone, jobId) => agentOf(zone).job(jobId),
    startJob: (zone, jobId, kind, input) => agentOf(zone).startJob(jobId, kind, input),
    cancelJobs: (zone, prefix) => agentOf(zone).cancelJobs(prefix),
    forgetJobs: (zone, prefix) => agentOf(zone).forgetJobs(prefix),
    ask: (zone, question, input) => agentOf(zone).ask(question, input),
    hangUp: () => {},
    isConnected: () => true,
    observed: (zone, id) => observed.get(zone)?.get(id),
    onReport: (listener) => void listeners.add(listener),
    rouse: async () => {},
  }
}
