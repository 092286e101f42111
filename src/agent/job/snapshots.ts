/** The jobs that make and remove snapshots. */
import type { SnapshotFacts } from '#wire/agent/messages.ts'
import type { Supervisor } from '../supervisor/supervisor.ts'
import type { Volumes } from '../volumes.ts'
import { JobFailure } from './failure.ts'
import type { JobContext, JobOutcome, JobRunners } from './job.ts'

type Kinds = 'instance.snapshot' | 'snapshot.copy' | 'snapshot.remove'

export function snapshotJobs(supervisor: Supervisor, volumes: Volumes): Pick<JobRunners, Kinds> {
  return {
    'instance.snapshot': async ({ id, snapshotId, atLeast }, context) => {
      const instance = supervisor.get(id)
      await instance.adopt()
      if (instance.alive) await instance.ready(context.signal)
      const { driver, folder, spec, alive } = instance
      const target = volumes.snapshotFolder(snapshotId)
      return makeSnapshot({ volumes, snapshotId, context }, async () => {
        if (atLeast !== undefined) await driver.onVolume.awaitLog(folder, atLeast, context.signal)
        return driver.snapshot(folder, spec, target, alive, context.signal)
      })
    },

    'snapshot.copy': async ({ snapshotId, targetId }, context) => {
      const facts = await volumes.snapshot(snapshotId)
      if (!facts) throw new JobFailure('snapshot-missing', `The host does not have the snapshot ${snapshotId}.`)
      return makeSnapshot({ volumes, snapshotId: targetId, context }, async () => {
        await volumes.copySnapshot(snapshotId, targetId, context.signal)
        return facts
      })
    },

    'snapshot.remove': async ({ snapshotId }, { reached }) => {
      await volumes.removeSnapshot(snapshotId)
      reached('removed')
      return { result: {} }
    },
  }
}

interface Making {
  readonly volumes: Volumes
  readonly snapshotId: string
  readonly context: JobContext
}

/** Makes a snapshot; what is half-made, by an earlier run too, is removed. */
export async function makeSnapshot(
  { volumes, snapshotId, context }: Making,
  fill: () => Promise<SnapshotFacts>,
): Promise<JobOutcome<SnapshotFacts>> {
  const made = await volumes.snapshot(snapshotId)
  if (made) return { result: made }
  try {
    await volumes.removeSnapshot(snapshotId)
    context.reached('wiped')
    context.signal.throwIfAborted()
    context.progress('copying')
    const facts = await fill()
    context.reached('copied')
    context.signal.throwIfAborted()
    await volumes.recordSnapshot(snapshotId, facts)
    context.reached('completed')
    return { result: facts }
  } catch (error) {
    await volumes.removeSnapshot(snapshotId)
    throw error
  }
}
