import type { Account } from '#host/account.ts'
import type { Clock } from '#host/clock.ts'
import type { Random } from '#host/random.ts'

/** What the driver works with. The same for all instances. */
export interface Surroundings {
  /** Binaries and templates, shared by all hosts of a machine. The engines' account must be able to pass into it. */
  readonly enginesFolder: string
  /** Whom engines run as; undefined: as whoever runs this process, who is not root then. */
  readonly account: Account | undefined
  /** Of the superuser `rdsadmin` in every instance, snapshots included: must never change for one state folder. */
  readonly adminPassword: string
  /** Of the role as which gateways ask, likewise. */
  readonly gatePassword: string
  readonly clock: Clock
  readonly random: Random
  /** Where npm, system installations and settings for a registry are found. */
  readonly env: Readonly<Record<string, string | undefined>>
}
