/** `POST /_holdfast/reset`: all accounts and regions as if they had never been used. */
import type { Control } from '../control.ts'

export const RESET_SUBJECT = 'reset'

/**
 * Resolves when nothing is left. The work is a flow: a process that dies in the middle goes on with it after its
 * restart. A second call while it runs joins it.
 */
export async function reset(control: Control): Promise<void> {
  const running = await control.flows.of(RESET_SUBJECT)
  if (running) return void (await control.flows.ended(running.id))
  const { id, writes } = control.flows.start('reset', RESET_SUBJECT, {})
  const { committed } = await control.store.commit(writes.compares, writes.ops)
  if (!committed) return reset(control)
  control.flows.wake(id)
  await control.flows.ended(id)
}
