/** What the flow that keeps a DB cluster looks after. */
import type { Mutation } from '#store/collection.ts'
import type { ClusterContext as C, HeldCluster } from './db-cluster-context.ts'

/** What comes of looking after one thing: something to write, after which all is looked at again, or nothing now. */
export interface Finding {
  readonly writes?: Mutation
  /** Until it has to be looked at again, if nothing is reported before. */
  readonly waitMs?: number
}

export type Duty = (c: C, cl: HeldCluster) => Promise<Finding>

export const NONE: Finding = {}

/** The safety net under lost wake-ups. */
export const LOOK_MS = 30_000
