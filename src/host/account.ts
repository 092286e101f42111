/** The unprivileged account under which root runs engines, which refuse to run as root. */
import { readText } from './disk.ts'
import { runCommand } from './process.ts'

export interface Account {
  readonly name: string
  readonly uid: number
  readonly gid: number
}

const OWN_ACCOUNT = 'holdfast'
const LAST_RESORT = 'nobody'

/**
 * Undefined when we are not root: engines then run as we do. For root: the account named by `HOLDFAST_ENGINE_USER`
 * (throws when there is none of that name), else `holdfast`, made now if it can be, else `nobody`.
 */
export async function engineAccount(env: Readonly<Record<string, string | undefined>>): Promise<Account | undefined> {
  if (process.getuid?.() !== 0) return undefined
  const asked = env['HOLDFAST_ENGINE_USER']
  if (asked !== undefined && asked !== '') {
    const account = await findAccount(asked)
    if (!account) throw new Error(`HOLDFAST_ENGINE_USER names the account '${asked}', which this system does not have`)
    if (account.uid === 0) throw new Error('HOLDFAST_ENGINE_USER must not name root: engines refuse to run as root')
    return account
  }
  return (await findAccount(OWN_ACCOUNT)) ?? (await makeAccount()) ?? (await findAccount(LAST_RESORT))
}

async function makeAccount(): Promise<Account | undefined> {
  const args = ['--system', '--user-group', '--no-create-home', '--shell', '/usr/sbin/nologin', OWN_ACCOUNT]
  try {
    // Three agents start at once and each tries; for the two that lose, the account is there all the same.
    await runCommand('useradd', args, { env: { PATH: SYSTEM_PATH } })
  } catch {
    return undefined
  }
  return findAccount(OWN_ACCOUNT)
}

const SYSTEM_PATH = '/usr/sbin:/usr/bin:/sbin:/bin'

async function findAccount(name: string): Promise<Account | undefined> {
  return parseAccount((await readText('/etc/passwd')) ?? '', name) ?? (await askForAccount(name))
}

/** From the text of /etc/passwd: `name:password:uid:gid:comment:home:shell`. */
export function parseAccount(passwd: string, name: string): Account | undefined {
  for (const line of passwd.split('\n')) {
    const [candidate, , uid, gid] = line.split(':')
    if (candidate === name && uid && gid) return { name, uid: Number(uid), gid: Number(gid) }
  }
  return undefined
}

/** Accounts that a directory service knows are in no file. */
async function askForAccount(name: string): Promise<Account | undefined> {
  const ids: number[] = []
  for (const option of ['-u', '-g']) {
    const said = await runCommand('id', [option, '--', name], { env: { PATH: SYSTEM_PATH } }).catch(() => undefined)
    if (said?.code !== 0) return undefined
    ids.push(Number(said.stdout.trim()))
  }
  const [uid, gid] = ids
  return { name, uid: uid!, gid: gid! }
}
