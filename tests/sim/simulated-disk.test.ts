import { logDiskConformance } from '#volume/log-disk.conformance.ts'
import { SeededRandom } from '../support/random.ts'
import { Scheduler, SimulatedProcess } from './scheduler.ts'
import { SimulatedDisk } from './simulated-disk.ts'

const STEP_MS = 1

logDiskConformance('the simulated disk', () => {
  const scheduler = new Scheduler()
  const newProcess = (): SimulatedProcess =>
    new SimulatedProcess('member', scheduler, (_, error) => {
      throw error
    })
  const disk = new SimulatedDisk(scheduler, new SeededRandom(1), newProcess())
  return {
    disk,
    settle: () => Promise.resolve(scheduler.runUntil(scheduler.now + STEP_MS)),
    reopen() {
      disk.ownedBy(newProcess())
      return disk
    },
  }
})
