/** Heads of engines without processes: there is no log, so the epoch is open as soon as its writer is. */
import type { HeadStatus } from '#wire/head/messages.ts'
import type { HeadProcesses } from './head-process.ts'

export const simulatedHeads: HeadProcesses = {
  async run(_instance, { epoch, configuration }) {
    let status: HeadStatus = {
      epoch,
      phase: 'ready',
      generation: configuration.generation,
      recoveredEnd: 0,
      configured: undefined,
      isAttached: false,
      reason: undefined,
      members: [],
    }
    let listener: ((status: HeadStatus) => void) | undefined
    return {
      pid: 0,
      ended: new Promise(() => {}),
      onStatus(told) {
        listener = told
        told(status)
      },
      tell(message) {
        const isNew = message.type === 'attach' ? status.phase !== 'open' : message.type === 'reconfigure'
        if (message.type === 'attach') status = { ...status, phase: 'open', isAttached: true }
        if (message.type === 'reconfigure') {
          const { generation } = message.configuration
          status = { ...status, generation, configured: generation }
        }
        if (isNew) listener?.(status)
      },
      leave: () => (listener = undefined),
    }
  },
  async end() {},
}
