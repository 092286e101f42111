/** What Holdfast offers beside the AWS APIs: `/_holdfast/…`. */
import { messageOf } from '#base/trouble.ts'
import { CliError, EXIT } from './cli-error.ts'
import { signedHeaders } from './sign.ts'
import type { Target } from './target.ts'

export interface Health {
  readonly status: string
  readonly version: string
  readonly engines: 'real' | 'simulated'
  readonly pid?: number
  readonly zones: readonly {
    readonly zone: string
    readonly agent: { readonly pid: number; readonly residentBytes: number } | null
    readonly instances: number
  }[]
}

export interface EngineRow {
  readonly engine: string
  readonly version: string
  readonly installed: boolean
  readonly source: string
}

/** Asking is local and quick; what does not answer within this is not well. Milliseconds. */
const ANSWER_MS_MAX = 30_000
/** A reset stops every engine first. Milliseconds. */
const RESET_MS_MAX = 300_000

export async function health(target: Target): Promise<Health> {
  return (await request(target, 'GET', 'health')).json() as Promise<Health>
}

export async function engines(target: Target): Promise<readonly EngineRow[]> {
  const answer = (await (await request(target, 'GET', 'engines')).json()) as { engines: EngineRow[] }
  return answer.engines
}

export async function caPem(target: Target): Promise<string> {
  return (await request(target, 'GET', 'ca.pem')).text()
}

export async function reset(target: Target): Promise<void> {
  await request(target, 'POST', 'reset', { limitMs: RESET_MS_MAX })
}

export async function stop(target: Target, engines: 'keep' | 'stop'): Promise<void> {
  await request(target, 'POST', 'stop', { body: { engines } })
}

/** Whether anybody answers there at all. */
export async function answers(target: Target): Promise<boolean> {
  return health(target).then(
    () => true,
    (error: unknown) => !(error instanceof CliError && error.status === EXIT.unreachable),
  )
}

async function request(
  target: Target,
  method: string,
  path: string,
  options: { body?: unknown; limitMs?: number } = {},
): Promise<Response> {
  const url = new URL(`${target.endpoint}/_holdfast/${path}`)
  const body = options.body === undefined ? '' : JSON.stringify(options.body)
  const response = await fetch(url, {
    method,
    signal: AbortSignal.timeout(options.limitMs ?? ANSWER_MS_MAX),
    ...(method === 'GET' ? {} : { body, headers: await signedHeaders(target, { method, url, body }) }),
  }).catch((error: unknown) => {
    throw unreachable(target, error)
  })
  if (response.ok) return response
  const said = (await response.text()).slice(0, 500).trim()
  throw new CliError(
    `${target.endpoint} did not do that: ${method} /_holdfast/${path} gave status ${response.status}.`,
    {
      why: said === '' ? undefined : said,
      next: 'see that the endpoint is that of Holdfast: holdfast status --endpoint URL',
    },
  )
}

/** Nothing answers. The same words wherever it is noticed. */
export function unreachable(target: Target, error: unknown): CliError {
  return new CliError(`Holdfast does not answer at ${target.endpoint}.`, {
    why: messageOf(error),
    next: 'holdfast start, or name another place with --endpoint URL',
    status: EXIT.unreachable,
  })
}
