import { constants } from 'node:fs'
import { access } from 'node:fs/promises'
import { delimiter, join } from 'node:path'

/** The first file of that name on a search path that this process may run; undefined when there is none. */
export async function findExecutable(name: string, searchPath: string | undefined): Promise<string | undefined> {
  for (const folder of (searchPath ?? '').split(delimiter)) {
    if (folder === '') continue
    const path = join(folder, name)
    const mayRun = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    )
    if (mayRun) return path
  }
  return undefined
}

/**
 * This process becomes that program, as by execve: the terminal, its signals and the exit status are the program's from
 * then on. Nothing after it runs, no exit handler either. `command` is a path.
 */
export function replaceProcess(
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): never {
  if (!process.execve) throw new Error(`this system cannot replace a process by ${command}`)
  return process.execve(command, [command, ...args], env)
}
