/** The Holdfast that a command talks to, and on whose behalf. */
import { CliError, EXIT } from './cli-error.ts'

export interface Target {
  /** Without a slash at its end. */
  readonly endpoint: string
  readonly region: string
  readonly accessKeyId: string
  readonly secretAccessKey: string
  /** For messages; undefined when the access key decides. */
  readonly account: string | undefined
}

const DEFAULT_PORT = '4566'
const DEFAULT_REGION = 'us-east-1'

/** From the options and the environment. Throws a usage error for what cannot be meant. */
export function targetOf(
  options: Readonly<Record<string, string | boolean | undefined>>,
  env: Readonly<Record<string, string | undefined>>,
): Target {
  const text = (name: string): string | undefined => {
    const value = options[name]
    return typeof value === 'string' ? value : undefined
  }
  const account = text('account')
  if (account !== undefined && !/^\d{12}$/.test(account)) {
    throw new CliError(`'${account}' is no account: it needs twelve digits.`, { status: EXIT.usage })
  }
  const fallback = `http://127.0.0.1:${env['HOLDFAST_PORT'] || DEFAULT_PORT}`
  return {
    endpoint: endpointOf(text('endpoint') || env['HOLDFAST_ENDPOINT'] || env['AWS_ENDPOINT_URL'] || fallback),
    region: text('region') || env['AWS_REGION'] || env['AWS_DEFAULT_REGION'] || DEFAULT_REGION,
    ...credentials(account, env),
    account,
  }
}

function credentials(
  account: string | undefined,
  env: Readonly<Record<string, string | undefined>>,
): Pick<Target, 'accessKeyId' | 'secretAccessKey'> {
  // A key id of twelve digits is that account; on loopback any secret will do.
  if (account !== undefined) return { accessKeyId: account, secretAccessKey: env['AWS_SECRET_ACCESS_KEY'] || 'test' }
  return {
    accessKeyId: env['AWS_ACCESS_KEY_ID'] || 'test',
    secretAccessKey: env['AWS_SECRET_ACCESS_KEY'] || 'test',
  }
}

function endpointOf(text: string): string {
  const url = URL.parse(text)
  if (url && (url.protocol === 'http:' || url.protocol === 'https:')) return url.href.replace(/\/+$/, '')
  throw new CliError(`'${text}' is no endpoint.`, {
    next: 'give one such as http://127.0.0.1:4566',
    status: EXIT.usage,
  })
}
