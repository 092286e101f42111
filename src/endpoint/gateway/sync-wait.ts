import { join } from 'node:path'
import { readText } from '#host/disk.ts'

/**
 * Whether the session of this process waits for a synchronous standby, as far as the system shows it: the engine writes
 * it into the title of the process (`update_process_title`, on by default). False where it cannot be seen.
 */
export async function waitsForStandby(pid: number): Promise<boolean> {
  try {
    return /^postgres: .* waiting for [0-9A-F]+\/[0-9A-F]+/.test(
      (await readText(join('/proc', `${pid}`, 'cmdline'))) ?? '',
    )
  } catch {
    return false
  }
}
