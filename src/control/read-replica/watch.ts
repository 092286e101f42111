/** Tells the flow of a read replica that its agent has seen a change. */
import { messageOf } from '#base/trouble.ts'
import type { Log } from '#base/log.ts'
import type { ObservedInstance } from '#wire/agent/messages.ts'
import type { Control } from '../control.ts'
import { dbInstanceNames, timerSubjectOf } from '../db-instance/record.ts'

export function watchReplicas(control: Control, log: Log): void {
  control.hosts.onReport((report) => {
    if (report.type !== 'observed' || factsOf(report.instance) === factsOf(report.before)) return
    wake(control, report.instance.id).catch((error: unknown) =>
      log.warn({ error, resourceId: report.instance.id }, `wake the flow of a replica: ${messageOf(error)}`),
    )
  })
}

/** What its flow decides on. */
function factsOf(instance: ObservedInstance | undefined): string {
  const replication = instance?.replication
  if (replication?.role !== 'standby') return String(instance?.accepting)
  return `${replication.isStreaming} ${replication.obstacle}`
}

async function wake(control: Control, resourceId: string): Promise<void> {
  const names = dbInstanceNames(control)
  for (const { key } of await names.list()) {
    const [account, region, id] = key.slice(names.prefix.length).split('/')
    if (id === resourceId)
      control.flows.wakeSubjects(timerSubjectOf({ account: account!, region: region!, resourceId }, 'replica'))
  }
}
