/** What every driver of the log's disk must do, the real and the simulated one. Run by a `.test.ts` for each of them. */
import { suite, type TestContext } from 'node:test'
import { testFiles } from './conformance/log-files.ts'
import { testModel } from './conformance/log-model.ts'
import type { LogDisk } from './ports.ts'

export interface OpenLogDisk {
  readonly disk: LogDisk
  /** Lets time pass until callbacks that are due have come; a real disk only waits. */
  settle(): Promise<void>
  /** The same folder as a process sees it that has it after this one. Nothing is under way. */
  reopen(): LogDisk
}

/** Opens an empty folder that ends with the test. */
export type SetUpLogDisk = (t: TestContext) => Promise<OpenLogDisk> | OpenLogDisk

export function logDiskConformance(driver: string, setUp: SetUpLogDisk): void {
  suite(`${driver}: files`, () => testFiles(setUp))
  suite(`${driver}: model`, () => testModel(setUp))
}
