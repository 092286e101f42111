/** Sees when the primary of a Multi-AZ instance or cluster is gone, and starts what brings it back; tells its standbys' flow of changes. */
import { messageOf } from '#base/trouble.ts'
import type { Log } from '#base/log.ts'
import { AURORA_TIMERS, auroraSubjectOf, auroraTimersOf } from '../aurora-cluster/record.ts'
import { commit, type Control } from '../control.ts'
import { clusterSubjectOf, clusterTimersOf, findCluster } from '../db-cluster/record.ts'
import { startClusterRecovery } from '../db-cluster/start-recovery.ts'
import { dbInstanceNames, findByKey, timerSubjectOf, type ClusterKey, type InstanceKey } from '../db-instance/record.ts'
import { startRecovery } from './start-recovery.ts'

export function watchCopies(control: Control, log: Log): void {
  const watcher = new Watcher(control, log)
  control.hosts.onReport((report) => {
    if (report.type === 'connected') watcher.lookAtAll()
    // Rare, and of volumes of whichever cluster.
    else if (report.type === 'log-node') control.flows.wakeSubjects(AURORA_TIMERS)
    else if (
      report.type === 'observed' &&
      (report.instance.replication ?? report.before?.replication ?? !report.instance.accepting)
    )
      watcher.lookAt(report.instance.id)
  })
}

class Watcher {
  private readonly control: Control
  private readonly log: Log
  private readonly keys = new Map<string, InstanceKey>()
  /** Looks under way by resource id; one more is due when something was reported meanwhile. */
  private readonly looking = new Map<string, { again: boolean }>()

  constructor(control: Control, log: Log) {
    this.control = control
    this.log = log
  }

  lookAtAll(): void {
    void this.learn()
      .then(() => {
        for (const resourceId of this.keys.keys()) this.lookAt(resourceId)
      })
      .catch((error: unknown) => this.log.warn({ error }, `list instances: ${messageOf(error)}`))
  }

  lookAt(resourceId: string): void {
    const underWay = this.looking.get(resourceId)
    if (underWay) {
      underWay.again = true
      return
    }
    const look = { again: false }
    this.looking.set(resourceId, look)
    void this.look(resourceId)
      .catch((error: unknown) => this.log.warn({ error, resourceId }, `look at an instance: ${messageOf(error)}`))
      .finally(() => {
        this.looking.delete(resourceId)
        if (look.again) this.lookAt(resourceId)
      })
  }

  private async look(resourceId: string): Promise<void> {
    if (!this.keys.has(resourceId)) await this.learn()
    const key = this.keys.get(resourceId)
    const held = key && (await findByKey(this.control, key))
    if (!key || !held) return void this.keys.delete(resourceId)
    if (held.value.aurora) return this.wakeAurora(held.value.cluster!)
    if (held.value.cluster) return this.lookAtCluster(held.value.cluster)
    if (!held.value.standby) return
    const recovery = startRecovery(this.control, held)
    if (!recovery) return this.control.flows.wakeSubjects(timerSubjectOf(key, 'standby'))
    // Where it fails, another flow has the instance, or it has changed: the standby's flow looks when that has ended.
    if ((await commit(this.control, recovery.writes)).committed) this.control.flows.wake(recovery.id)
  }

  /** Its keeper looks; and whatever else is done to it may have waited for this. */
  private wakeAurora(key: ClusterKey): void {
    for (const subject of [auroraSubjectOf(key), auroraTimersOf(key)]) this.control.flows.wakeSubjects(subject)
  }

  private async lookAtCluster(key: ClusterKey): Promise<void> {
    const held = await findCluster(this.control, key)
    const recovery = held && startClusterRecovery(this.control, held)
    if (recovery && (await commit(this.control, recovery.writes)).committed) this.control.flows.wake(recovery.id)
    // Whatever it does, it may have waited for this.
    for (const subject of [clusterSubjectOf(key), clusterTimersOf(key)]) this.control.flows.wakeSubjects(subject)
  }

  private async learn(): Promise<void> {
    const names = dbInstanceNames(this.control)
    for (const { key } of await names.list()) {
      const [account, region, resourceId] = key.slice(names.prefix.length).split('/')
      this.keys.set(resourceId!, { account: account!, region: region!, resourceId: resourceId! })
    }
  }
}
