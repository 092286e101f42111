import type { Control } from '../control.ts'

/**
 * What a request does after it committed a flow: nothing, in real mode, since no request waits for work. In simulated
 * mode there is no work to wait for, and the caller's very next request must see the outcome.
 */
export async function started(control: Control, flowId: string): Promise<void> {
  control.flows.wake(flowId)
  if (control.simulated) await control.flows.ended(flowId)
}
