/**
 * When storage grows by itself, and by how much. Pure: what is known goes in, what is to be done comes out.
 * AWS: RDS User Guide, "Managing capacity automatically with Amazon RDS storage autoscaling".
 */
import { HOUR_MS, MINUTE_MS } from '#base/durations.ts'

export interface ScalingView {
  readonly now: number
  /** GiB, all of them. */
  readonly allocated: number
  /** The user's threshold; undefined, 0 or the allocated size: autoscaling is off. */
  readonly max: number | undefined
  /** What a storage of this type can have at most. */
  readonly typeMax: number
  /** What the account may still allocate. */
  readonly quotaLeft: number
  /** A size that the user asked for and that waits for the maintenance window. */
  readonly queued: number | undefined
  /** Since when a tenth or less is free; undefined: it is not. */
  readonly lowSince: number | undefined
  /** When storage was changed last, by whom ever. */
  readonly changedAt: number | undefined
  /** The instance serves, and nothing is done to it. */
  readonly isFree: boolean
  /** How fast free storage went down in the last hour. GiB an hour; undefined: not known. */
  readonly growthPerHour: number | undefined
  /** How much faster than they are the times of these rules run. */
  readonly speed: number
}

export type ScalingDecision =
  /** It is off, or there is enough. */
  | { readonly do: 'nothing' }
  | { readonly do: 'wait'; readonly ms: number; readonly why: 'not low for long' | 'cooling off' | 'busy' }
  | {
      readonly do: 'scale'
      readonly to: number
      /** It reaches the threshold: it will not grow again by itself. */
      readonly reachesMax: boolean
      /** It comes near the threshold. */
      readonly nearsMax: boolean
    }
  | { readonly do: 'give up'; readonly why: 'quota' | 'type' }

/** Free storage must have been low for so long. */
const LOW_MS = 5 * MINUTE_MS
/** Between two changes. */
const COOLING_OFF_MS = 6 * HOUR_MS
const STEP_GIB_MIN = 10
const STEP_SHARE_MIN = 0.1
/** Growth that the step makes room for. */
const PREDICTED_HOURS = 7
/** AWS: event RDS-EVENT-0225. */
const NEAR_SHARE = 0.8
/** An instance in the middle of something is looked at again. */
const BUSY_LOOK_MS = MINUTE_MS

export const isScalingOn = ({ max, allocated }: Pick<ScalingView, 'max' | 'allocated'>): boolean =>
  max !== undefined && max > allocated

export const isNearMax = (allocated: number, max: number): boolean => allocated >= max * NEAR_SHARE

export function decideScaling(view: ScalingView): ScalingDecision {
  const { now, allocated, max, lowSince, changedAt, isFree, queued, quotaLeft, typeMax, speed } = view
  if (!isScalingOn(view) || lowSince === undefined) return { do: 'nothing' }
  const untilLong = lowSince + LOW_MS / speed - now
  if (untilLong > 0) return { do: 'wait', ms: untilLong, why: 'not low for long' }
  const untilCool = changedAt === undefined ? 0 : changedAt + COOLING_OFF_MS / speed - now
  if (untilCool > 0) return { do: 'wait', ms: untilCool, why: 'cooling off' }
  if (!isFree) return { do: 'wait', ms: BUSY_LOOK_MS / speed, why: 'busy' }
  if (allocated >= typeMax) return { do: 'give up', why: 'type' }
  // What the user asked for and is more is what it comes to, whatever the threshold.
  const wanted = Math.max(Math.min(allocated + stepOf(view), max!), queued ?? 0)
  const to = Math.min(wanted, typeMax)
  if (to - allocated > quotaLeft) return { do: 'give up', why: 'quota' }
  return { do: 'scale', to, reachesMax: to >= max!, nearsMax: to < max! && isNearMax(to, max!) }
}

/** The greatest of ten GiB, a tenth, and the growth of seven hours as it was in the last one. Whole GiB. */
function stepOf({ allocated, growthPerHour = 0 }: ScalingView): number {
  return Math.ceil(Math.max(STEP_GIB_MIN, roundedShare(allocated), growthPerHour * PREDICTED_HOURS))
}

/** Without the crumbs that binary fractions leave: a tenth of 110 is 11 and not a little more. */
const roundedShare = (gib: number): number => Math.round(gib * STEP_SHARE_MIN * 1e6) / 1e6
