import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A new folder under the system's temporary folder that only we can enter. The caller removes it. */
export const temporaryFolder = (prefix: string): Promise<string> => mkdtemp(join(tmpdir(), prefix))
