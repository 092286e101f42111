import type { RestoreDBClusterToPointInTimeMessage } from '@aws-sdk/client-rds'
import { InvalidDBClusterStateFault } from '@aws-sdk/client-rds'
import { fault } from '#wire/aws/faults.ts'
import type { RestoreWindow } from '../automated-backup/window.ts'
import { invalidCombination, invalidValue } from '../db-instance/faults.ts'

type Asked = Pick<RestoreDBClusterToPointInTimeMessage, 'RestoreToTime' | 'UseLatestRestorableTime'>

/** Of a DB cluster of either kind, in milliseconds since the epoch; undefined: the latest. */
export function requireRestoreTime(
  id: string,
  window: RestoreWindow | undefined,
  { RestoreToTime, UseLatestRestorableTime }: Asked,
): number | undefined {
  if (!window) throw fault(InvalidDBClusterStateFault, `The DB cluster ${id} has no backup yet that could be restored.`)
  if (UseLatestRestorableTime) {
    if (RestoreToTime !== undefined)
      throw invalidCombination('RestoreToTime cannot be specified when UseLatestRestorableTime is true.')
    return undefined
  }
  if (RestoreToTime === undefined)
    throw invalidCombination('Either RestoreToTime or UseLatestRestorableTime must be specified.')
  const time = RestoreToTime.getTime()
  if (!(time >= window.from && time <= window.to))
    throw invalidValue(
      `The DB cluster ${id} cannot be restored to ${RestoreToTime.toISOString()}: it can be restored to times ` +
        `from ${new Date(window.from).toISOString()} to ${new Date(window.to).toISOString()}.`,
    )
  return time
}
