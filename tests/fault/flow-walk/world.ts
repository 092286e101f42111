/** What a walk goes through, and what it asks for there. */
import type { RDSClient } from '@aws-sdk/client-rds'
import type { Holdfast } from '../../support/holdfast.ts'

/** What to ask for so that a flow comes by its steps, and what must be true once it has ended. */
export interface Scenario {
  readonly steps: readonly string[]
  /** What an agent's job brings about can be seen before the job has come by its last point. */
  readonly isSeenEarly?: boolean
  prepare?(rds: RDSClient): Promise<void>
  act(rds: RDSClient): Promise<unknown>
  check(rds: RDSClient): Promise<unknown>
}

/** What a walk goes through: one state folder, and the Holdfast that has it now. */
export const world = {
  state: '',
  holdfast: undefined as unknown as Holdfast,
  /** What the present operation works on. */
  name: '',
  count: 0,
}
