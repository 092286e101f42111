/** The access keys that signatures are verified with. */
import { readPrivateFile } from '#host/private-file.ts'

export interface AccessKeys {
  /** How many are configured. With none, the API can only be offered on loopback. */
  readonly count: number
  /** Undefined for an id that is not configured. */
  secretOf(accessKeyId: string): string | undefined
  /** The account whose resources the key works on; undefined for an id that is not configured. */
  accountOf(accessKeyId: string): string | undefined
}

export interface AccessKeySources {
  /** `HOLDFAST_ACCESS_KEYS`: `id:secret[:account],…` */
  readonly text: string | undefined
  /** `--access-keys FILE`: `[{"accessKeyId": "…", "secretAccessKey": "…", "account": "…"}, …]`, readable by its owner alone. */
  readonly file: string | undefined
}

const DEFAULT_ACCOUNT = '000000000000'

interface AccessKey {
  readonly id: string
  readonly secret: string
  readonly account: string | undefined
}

/** Both sources together. Throws what is wrong and where, and never a secret. */
export async function readAccessKeys(sources: AccessKeySources): Promise<AccessKeys> {
  const keys = new Map<string, AccessKey>()
  for (const key of [...fromText(sources.text ?? ''), ...(await fromFile(sources.file))]) {
    if (keys.has(key.id)) throw new Error(`the access key ${key.id} is configured twice`)
    keys.set(key.id, key)
  }
  return {
    count: keys.size,
    secretOf: (id) => keys.get(id)?.secret,
    accountOf: (id) => {
      const key = keys.get(id)
      return key && (key.account ?? (isAccount(id) ? id : DEFAULT_ACCOUNT))
    },
  }
}

function fromText(text: string): AccessKey[] {
  const entries = text.split(',').filter((entry) => entry.trim() !== '')
  return entries.map((entry, index) => {
    const [id, secret, account, ...others] = entry.trim().split(':')
    return checked(
      { id, secret, account: others.length > 0 ? others : account },
      `HOLDFAST_ACCESS_KEYS, key ${index + 1}`,
    )
  })
}

async function fromFile(path: string | undefined): Promise<AccessKey[]> {
  if (path === undefined) return []
  const text = await readPrivateFile(path)
  if (text === undefined) throw new Error(`the access key file ${path} does not exist`)
  let list: unknown
  try {
    list = JSON.parse(text)
  } catch {
    // The parser's own message quotes the text around the place, and that may be a secret.
    throw new Error(`the access key file ${path} is not valid JSON`)
  }
  if (!Array.isArray(list)) throw new Error(`the access key file ${path} must hold a list of keys`)
  return list.map((entry: unknown, index) => {
    const key = typeof entry === 'object' && entry !== null ? (entry as Record<string, unknown>) : {}
    return checked(
      { id: key['accessKeyId'], secret: key['secretAccessKey'], account: key['account'] },
      `${path}, key ${index + 1}`,
    )
  })
}

function checked(key: { id: unknown; secret: unknown; account: unknown }, where: string): AccessKey {
  const { id, secret, account } = key
  if (typeof id !== 'string' || !/^\w{1,128}$/.test(id)) throw new Error(`${where}: no usable access key id`)
  if (typeof secret !== 'string' || secret === '') throw new Error(`${where} (${id}): no secret`)
  if (account !== undefined && !(typeof account === 'string' && isAccount(account))) {
    throw new Error(`${where} (${id}): the account must have twelve digits`)
  }
  return { id, secret, account }
}

function isAccount(text: string): boolean {
  return /^\d{12}$/.test(text)
}
