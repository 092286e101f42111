/**
 * The tools that tests use beside the project's own dependencies, and how to get them: `node scripts/setup.ts` installs
 * what is missing, when it may. Tests ask `lacks` and are skipped with its answer as the reason.
 */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'

interface Tool {
  readonly name: ToolName
  /** Debian package that has it. */
  readonly package: string
  readonly isThere: () => boolean
}

export type ToolName = 'psql' | 'boto3' | 'aws' | 'mkfs.xfs'

/** Debian's own interpreter is tried too: python3-boto3 is for that one, whatever `python3` is on the PATH. */
const PYTHONS = ['python3', '/usr/bin/python3']

const TOOLS: readonly Tool[] = [
  { name: 'psql', package: 'postgresql-client', isThere: () => succeeds('psql', ['--version']) },
  { name: 'boto3', package: 'python3-boto3', isThere: () => pythonWithBoto3() !== undefined },
  { name: 'aws', package: 'awscli', isThere: () => succeeds('aws', ['--version']) },
  // Volumes of the allocated size are XFS.
  { name: 'mkfs.xfs', package: 'xfsprogs', isThere: () => succeeds('/usr/sbin/mkfs.xfs', ['-V']) },
]

const found = new Map<ToolName, boolean>()

/** False when the tool is there, else why a test cannot run: fits the `skip` option of a test. */
export function lacks(name: ToolName): false | string {
  const tool = TOOLS.find((one) => one.name === name)!
  if (isThere(tool)) return false
  return `${name} is not installed: ${installCommand([tool])}`
}

/** The Python interpreter that can `import boto3`; undefined when there is none. */
export function pythonWithBoto3(): string | undefined {
  return PYTHONS.find((python) => succeeds(python, ['-c', 'import boto3']))
}

/**
 * Installs what is missing when this is root on a system with apt-get; otherwise, and when that fails, says the command
 * to run. Never throws: tests can run without these tools, some of them then skipped.
 */
export function installMissing(say: (line: string) => void): void {
  const missing = TOOLS.filter((tool) => !isThere(tool))
  if (missing.length === 0) return
  const command = installCommand(missing)
  const mayInstall = process.getuid?.() === 0 && existsSync('/usr/bin/apt-get')
  if (mayInstall) {
    say(`Installing ${missing.map((tool) => tool.package).join(', ')} …`)
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
    const packages = missing.map((tool) => tool.package)
    for (const args of [['update'], ['install', '--yes', '--no-install-recommends', ...packages]]) {
      spawnSync('apt-get', ['--quiet', ...args], { env, stdio: 'ignore', timeout: APT_LIMIT_MS })
    }
    found.clear()
  }
  const stillMissing = missing.filter((tool) => !isThere(tool))
  if (stillMissing.length === 0) return
  say(`Some tests need ${stillMissing.map((tool) => tool.name).join(', ')} and are skipped. To install: ${command}`)
}

/** apt-get on a slow mirror; beyond this something is stuck. */
const APT_LIMIT_MS = 5 * 60_000

function installCommand(tools: readonly Tool[]): string {
  return `sudo apt-get install ${tools.map((tool) => tool.package).join(' ')}`
}

function isThere(tool: Tool): boolean {
  const known = found.get(tool.name)
  if (known !== undefined) return known
  const now = tool.isThere()
  found.set(tool.name, now)
  return now
}

function succeeds(command: string, args: readonly string[]): boolean {
  return spawnSync(command, args, { stdio: 'ignore' }).status === 0
}

if (import.meta.main) installMissing((line) => console.log(line))
