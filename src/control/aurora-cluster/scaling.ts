/** The capacity range of an Aurora cluster's serverless instances: ServerlessV2ScalingConfiguration. */
import type { ServerlessV2ScalingConfiguration } from '@aws-sdk/client-rds'
import {
  ACU_MAX,
  ACU_STEP,
  AUTO_PAUSE_SECONDS,
  MAX_ACU_MIN,
  SERVERLESS_CLASS,
  supportsAutoPause,
} from '#catalog/serverless.ts'
import { invalidClusterState } from '../db-cluster/faults.ts'
import { invalidCombination, invalidValue } from '../db-instance/faults.ts'
import type { ServerlessScaling } from '../db-instance/record.ts'

/**
 * The range that is asked for, over the one there was. Throws where RDS would. AWS: RDS API reference,
 * ServerlessV2ScalingConfiguration.
 */
export function requireScaling(
  asked: ServerlessV2ScalingConfiguration | undefined,
  before: ServerlessScaling | undefined,
  version: string,
): ServerlessScaling | undefined {
  if (asked === undefined) return before
  const minCapacity = asked.MinCapacity ?? before?.minCapacity
  const maxCapacity = asked.MaxCapacity ?? before?.maxCapacity
  if (minCapacity === undefined || maxCapacity === undefined)
    throw invalidValue(
      'Both MinCapacity and MaxCapacity must be specified when you initialize Serverless v2 scaling configuration.',
    )
  requireCapacity('MinCapacity', minCapacity, 0)
  requireCapacity('MaxCapacity', maxCapacity, MAX_ACU_MIN)
  if (minCapacity > maxCapacity)
    throw invalidCombination(
      `Invalid Serverless v2 scaling configuration: MinCapacity ${minCapacity} is greater than MaxCapacity ${maxCapacity}.`,
    )
  if (minCapacity === 0 && !supportsAutoPause(version))
    throw invalidCombination(
      `A MinCapacity of 0 is not supported for engine version ${version}. The smallest is ${ACU_STEP}.`,
    )
  return { minCapacity, maxCapacity, ...pauseOf(asked, before, minCapacity) }
}

function requireCapacity(name: string, acu: number, from: number): void {
  if (!(acu >= from && acu <= ACU_MAX && Number.isInteger(acu / ACU_STEP)))
    throw invalidValue(
      `Invalid Serverless v2 capacity: ${name} ${acu}. Must be between ${from} and ${ACU_MAX}, in steps of ${ACU_STEP}.`,
    )
}

/** The interval is forgotten where nothing pauses, and begins with the default again. */
function pauseOf(
  asked: ServerlessV2ScalingConfiguration,
  before: ServerlessScaling | undefined,
  minCapacity: number,
): Pick<ServerlessScaling, 'secondsUntilAutoPause'> {
  const { SecondsUntilAutoPause } = asked
  if (minCapacity > 0) {
    if (SecondsUntilAutoPause !== undefined)
      throw invalidCombination('SecondsUntilAutoPause can be specified only when MinCapacity is 0.')
    return {}
  }
  const seconds = SecondsUntilAutoPause ?? before?.secondsUntilAutoPause ?? AUTO_PAUSE_SECONDS.default
  const { from, to } = AUTO_PAUSE_SECONDS
  if (!Number.isInteger(seconds) || seconds < from || seconds > to)
    throw invalidValue(`Invalid SecondsUntilAutoPause: ${seconds}. Must be between ${from} and ${to}.`)
  return { secondsUntilAutoPause: seconds }
}

export const scalingShown = (scaling: ServerlessScaling | undefined): ServerlessV2ScalingConfiguration | undefined =>
  scaling && {
    MinCapacity: scaling.minCapacity,
    MaxCapacity: scaling.maxCapacity,
    ...(scaling.secondsUntilAutoPause !== undefined && { SecondsUntilAutoPause: scaling.secondsUntilAutoPause }),
  }

/** Throws for a serverless instance in a cluster that has no range. */
export function requireScalingFor(className: string, scaling: ServerlessScaling | undefined): void {
  if (className === SERVERLESS_CLASS && !scaling)
    throw invalidClusterState(
      'Set the Serverless v2 scaling configuration on the parent DB cluster before creating a Serverless v2 DB instance.',
    )
}
