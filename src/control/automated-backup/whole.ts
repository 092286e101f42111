import { InvalidRestoreFault } from '@aws-sdk/client-rds'
import { fault } from '#wire/aws/faults.ts'
import type { Control } from '../control.ts'

/** What is missing is named before anything begins. Damage inside of what is there is found when it is read. */
export async function requireWhole(
  control: Control,
  zone: string,
  at: { prefix: string; time: number | undefined },
): Promise<void> {
  const { missing, restorableTo } = await control.hosts.ask(zone, 'archive.check', at)
  if (missing === undefined) return
  const limit = restorableTo === undefined ? '' : ` It can be restored up to ${new Date(restorableTo).toISOString()}.`
  throw fault(InvalidRestoreFault, `The backup cannot be used: ${missing}.${limit}`)
}
