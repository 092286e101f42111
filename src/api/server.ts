/** The door itself: HTTP in and out. What a request means is `answer.ts`. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Log } from '#base/log.ts'
import type { Control } from '#control/control.ts'
import { AwsFault } from '#wire/aws/faults.ts'
import { awsJson11, awsQuery, type Reply } from '#wire/aws/protocols.ts'
import { parseSignature } from '#wire/aws/sigv4.ts'
import { toWireFault } from '#wire/aws/wire-fault.ts'
import { type AccessKeys, authenticate } from './access.ts'
import { answer } from './answer.ts'
import { API_LIMITS, type ApiLimits } from './limits.ts'
import type { PlainRequest } from './route.ts'
import type { ServiceDoor } from './services.ts'

export interface ApiOptions {
  readonly control: Control
  readonly services: readonly ServiceDoor[]
  readonly accessKeys: AccessKeys
  /** Answers what is not AWS's: paths that start with `/_holdfast/`. Undefined is answered with 404. */
  readonly extras: (request: ExtraRequest) => Promise<Reply | undefined> | Reply | undefined
  readonly log: Log
  readonly limits?: Partial<ApiLimits>
}

export interface ExtraRequest {
  readonly method: string
  readonly path: string
  readonly query: URLSearchParams
  readonly body: Buffer
}

const EXTRAS = '/_holdfast/'

/** A server that does not listen yet. The caller listens, and closes it. */
export function createApiServer(options: ApiOptions): Server {
  const limits = { ...API_LIMITS, ...options.limits }
  const server = createServer(
    {
      headersTimeout: limits.headersMs,
      requestTimeout: limits.requestMs,
      keepAliveTimeout: limits.keepAliveMs,
      noDelay: true,
    },
    (request, response) => {
      serve(request, response, { options, limits }).catch((error: unknown) => {
        options.log.error({ path: pathOf(request), error }, 'a request was not answered')
        response.destroy()
      })
    },
  )
  server.maxConnections = limits.connectionsMax
  for (const door of options.services.filter(({ eager }) => eager)) {
    door.load().catch((error: unknown) => options.log.error({ service: door.signingName, error }, 'load a service'))
  }
  return server
}

/** Without the query, which may hold a password. */
const pathOf = ({ url }: IncomingMessage): string | undefined => url?.split('?', 1)[0]

interface Serving {
  readonly options: ApiOptions
  readonly limits: ApiLimits
}

async function serve(incoming: IncomingMessage, response: ServerResponse, serving: Serving): Promise<void> {
  const requestId = serving.options.control.random.uuid()
  let request: PlainRequest | 'too large'
  try {
    request = await receive(incoming, serving.limits.bodyBytesMax)
  } catch {
    // The client went away in the middle of its request: nobody is left to answer.
    response.destroy()
    return
  }
  const reply = await replyTo(request, incoming, { ...serving, requestId })
  const body = typeof reply.body === 'string' ? Buffer.from(reply.body, 'utf8') : reply.body
  response.writeHead(reply.status, {
    'content-length': body.length,
    'x-amzn-requestid': requestId,
    ...(request === 'too large' && { connection: 'close' }),
    ...reply.headers,
  })
  response.end(incoming.method === 'HEAD' ? undefined : body)
}

async function receive(incoming: IncomingMessage, bytesMax: number): Promise<PlainRequest | 'too large'> {
  const chunks: Buffer[] = []
  let size = 0
  if (Number(incoming.headers['content-length'] ?? 0) > bytesMax) return 'too large'
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > bytesMax) return 'too large'
    chunks.push(chunk)
  }
  const target = incoming.url ?? '/'
  const mark = target.indexOf('?')
  return {
    method: incoming.method ?? 'GET',
    path: mark < 0 ? target : target.slice(0, mark),
    query: mark < 0 ? '' : target.slice(mark + 1),
    headers: headersOf(incoming),
    body: chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks),
  }
}

/** Only `set-cookie` is a list in Node, and no request has it. */
const headersOf = ({ headers }: IncomingMessage): PlainRequest['headers'] => headers as PlainRequest['headers']

interface Replying extends Serving {
  readonly requestId: string
}

async function replyTo(
  request: PlainRequest | 'too large',
  incoming: IncomingMessage,
  serving: Replying,
): Promise<Reply> {
  const { options, limits, requestId } = serving
  try {
    if (request === 'too large') throw tooLarge(limits.bodyBytesMax)
    refuseOtherSites(request)
    if (request.path.startsWith(EXTRAS)) return await extraReply(request, options)
  } catch (error) {
    const fault = toWireFault(undefined, error)
    if (fault.status >= 500) options.log.error({ requestId, path: pathOf(incoming), error }, 'a request failed')
    return (incoming.headers['x-amz-target'] ? awsJson11 : awsQuery).fault({ service: undefined, requestId }, fault)
  }
  const { control, services: doors, accessKeys, log } = options
  return answer(request, requestId, { control, doors, accessKeys, log, bodyBytesMax: limits.bodyBytesMax })
}

const tooLarge = (bytes: number): AwsFault =>
  new AwsFault('RequestEntityTooLarge', `The request must not be larger than ${bytes} bytes.`, 413)

/**
 * On the loopback address no credentials are asked for, and a form or an image is among the few things that a page of
 * any site may request anywhere without asking. Browsers then say where the page is from; nothing else sends these
 * headers. Reading our own extras is left out: a link to them does no harm.
 */
function refuseOtherSites({ method, path, headers }: PlainRequest): void {
  if (method === 'GET' && path.startsWith(EXTRAS)) return
  const { origin, host, 'sec-fetch-site': site = 'none' } = headers
  const sameOrigin = origin === undefined || (URL.canParse(origin) && new URL(origin).host === host)
  if (sameOrigin && (site === 'none' || site === 'same-origin')) return
  throw new AwsFault('AccessDenied', 'Requests from pages of other sites are not accepted.', 403)
}

/** Whoever may only read needs no key; changes need one wherever keys are configured. */
async function extraReply(request: PlainRequest, options: ApiOptions): Promise<Reply> {
  if (options.accessKeys.verify && request.method !== 'GET') {
    await authenticate(request, parseSignature(request), {
      keys: options.accessKeys,
      nowMs: options.control.clock.now(),
    })
  }
  const { method, path, body } = request
  const reply = await options.extras({ method, path, query: new URLSearchParams(request.query), body })
  return reply ?? { status: 404, headers: { 'content-type': 'text/plain' }, body: `${path} does not exist\n` }
}
