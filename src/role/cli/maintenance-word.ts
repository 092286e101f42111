import type { PendingMaintenanceAction } from '@aws-sdk/client-rds'
import { DAY_MS } from '#base/durations.ts'

/** From what is nearest to what nobody has asked for. AWS: RDS User Guide, "Viewing pending maintenance". */
const WORDS = ['in progress', 'next window', 'required', 'available'] as const

export type MaintenanceWord = (typeof WORDS)[number]

/** What the console of RDS says of an instance's maintenance: of several actions, of the nearest. Undefined: there is none. */
export function maintenanceWord(
  actions: readonly PendingMaintenanceAction[],
  status: string,
  now: number,
): MaintenanceWord | undefined {
  const words = actions.map((action) => wordOf(action, status, now))
  return WORDS.find((word) => words.includes(word))
}

function wordOf(
  { OptInStatus, CurrentApplyDate }: PendingMaintenanceAction,
  status: string,
  now: number,
): MaintenanceWord {
  if (status === 'upgrading' || status === 'maintenance') return 'in progress'
  if (OptInStatus === 'next-maintenance') return 'next window'
  if (!CurrentApplyDate) return 'available'
  // A window opens every week: what is done within one is done in the next.
  return CurrentApplyDate.getTime() - now < 7 * DAY_MS ? 'next window' : 'required'
}
