/** One request to one reply: route, authenticate, read, validate, handle, write. Never throws. */
import { promisify } from 'node:util'
import { gunzip as gunzipWithCallback } from 'node:zlib'
import type { Log } from '#base/log.ts'
import { enums } from '#catalog/gen/enums.ts'
import type { Control } from '#control/control.ts'
import { AwsFault } from '#wire/aws/faults.ts'
import { Malformed } from '#wire/aws/malformed.ts'
import { awsQuery, type Protocol, type Reply } from '#wire/aws/protocols.ts'
import type { Operation } from '#wire/aws/service.ts'
import { parseSignature, type Signature } from '#wire/aws/sigv4.ts'
import { validate } from '#wire/aws/validate.ts'
import { toWireFault, type WireFault } from '#wire/aws/wire-fault.ts'
import { wordingOf } from '#wire/aws/wording.ts'
import { type AccessKeys, accountOf, authenticate, type Caller } from './access.ts'
import { type PlainRequest, type Route, routeOf } from './route.ts'
import type { AnyHandler, LoadedService, ServiceDoor } from './services.ts'

export interface Answering {
  readonly control: Control
  readonly doors: readonly ServiceDoor[]
  readonly accessKeys: AccessKeys
  readonly log: Log
  readonly bodyBytesMax: number
}

/** What is known so far, for the fault that may come at any point. */
interface Progress {
  protocol: Protocol
  route?: Route
  loaded?: LoadedService
}

/** `request.body` is as it was sent. */
export async function answer(request: PlainRequest, requestId: string, door: Answering): Promise<Reply> {
  const progress: Progress = { protocol: awsQuery }
  try {
    return await attempt(request, { requestId, door, progress })
  } catch (error) {
    return faultReply(error, { requestId, door, progress })
  }
}

interface Attempt {
  readonly requestId: string
  readonly door: Answering
  readonly progress: Progress
}

async function attempt(request: PlainRequest, { requestId, door, progress }: Attempt): Promise<Reply> {
  const parsed = signatureOf(request)
  const signature = parsed instanceof Error ? undefined : parsed
  // Routed even if it will be refused, so that the refusal is in the client's protocol.
  const route = routeOf(await decompressed(request, door.bodyBytesMax), {
    doors: door.doors,
    scope: signature?.service,
  })
  progress.protocol = route.protocol
  progress.route = route
  if (parsed instanceof Error) throw parsed
  const caller = await authenticate(request, signature, {
    keys: door.accessKeys,
    nowMs: door.control.clock.now(),
    service: route.door?.signingName,
  })
  if (!route.door) throw noSuchService(route, signature)
  const loaded = await route.door.load()
  progress.loaded = loaded
  const operation = operationOf(loaded, route)
  const handler = loaded.handlers[operation.name]
  if (!handler) throw notImplemented(`${loaded.service.id} ${operation.name}`)
  const input = readInput(loaded, operation, route)
  const output = await handle(handler, input, { caller, operation, requestId, route, door })
  return route.protocol.reply({ service: loaded.service, operation, requestId }, output)
}

/** A signature that cannot be read is held back until the protocol is known. */
function signatureOf(request: PlainRequest): Signature | undefined | Error {
  try {
    return parseSignature(request)
  } catch (refused) {
    return refused as Error
  }
}

const gunzip = promisify(gunzipWithCallback)

/** SDKs compress PutMetricData from 10 KiB. The signature covers what was sent, everything else reads this. */
async function decompressed(request: PlainRequest, maxOutputLength: number): Promise<PlainRequest> {
  const encoding = request.headers['content-encoding']
  if (encoding === undefined || encoding === 'identity') return request
  if (encoding !== 'gzip')
    throw new AwsFault('UnsupportedMediaType', `Content-Encoding ${encoding} is not supported.`, 415)
  try {
    return { ...request, body: await gunzip(request.body, { maxOutputLength }) }
  } catch {
    throw new AwsFault('MalformedInput', `The body is not gzip, or more than ${maxOutputLength} bytes of it.`)
  }
}

function noSuchService(route: Route, signature: Signature | undefined): AwsFault {
  if (signature) return notImplemented(`The service '${signature.service}'`)
  if (route.operation === undefined) return missingAction()
  return notImplemented(`${route.operation} of an unsigned request without a known Version`)
}

const missingAction = (): AwsFault =>
  new AwsFault('MissingAction', 'The request is missing an action or a required parameter.')

/** 501 is in none of the SDKs' tables of statuses to retry. */
const notImplemented = (what: string): AwsFault =>
  new AwsFault('InternalFailure', `${what} is not implemented by Holdfast. See docs/COVERAGE.md for what is.`, 501)

function operationOf({ service }: LoadedService, { operation: name, door }: Route): Operation {
  if (name === undefined) throw missingAction()
  const operation = door?.dialect === 'rest-json' ? service.routes.get(name) : service.operations.get(name)
  if (operation) return operation
  throw new AwsFault('InvalidAction', `The action ${name.slice(0, 100)} is not valid for this web service.`)
}

function readInput({ service }: LoadedService, operation: Operation, { protocol, body }: Route): object {
  try {
    const input = protocol.read(operation, body)
    if (!operation.input.isUnitSchema()) validate(input, { service, schema: operation.input, enums })
    return input
  } catch (error) {
    throw error instanceof Malformed ? wordingOf(service.signingName).malformed(error) : error
  }
}

interface Handling extends Pick<Attempt, 'requestId' | 'door'> {
  readonly caller: Caller
  readonly operation: Operation
  readonly route: Route
}

async function handle(handler: AnyHandler, input: object, handling: Handling): Promise<object> {
  const { caller, operation, requestId, route, door } = handling
  return handler(input as never, {
    ...caller,
    requestId,
    service: route.door?.signingName ?? '',
    operation: operation.name,
    control: door.control,
    accountOf: (accessKeyId) => accountOf(door.accessKeys, accessKeyId),
  })
}

function faultReply(error: unknown, { requestId, door, progress }: Attempt): Reply {
  const service = progress.loaded?.service
  const fault = spelled(toWireFault(service, error), progress.protocol)
  if (fault.status >= 500) {
    const fields = { requestId, service: progress.route?.door?.signingName, operation: progress.route?.operation }
    // What Holdfast does not do is the caller's to know; anything else of 500 and above a person must look at.
    if (fault.status === 501) door.log.info({ ...fields }, 'not implemented')
    else door.log.error({ ...fields, error }, 'a request failed')
  }
  return progress.protocol.fault({ service, requestId }, fault)
}

function spelled(fault: WireFault, protocol: Protocol): WireFault {
  const spelling = fault.model ? undefined : protocol.spellings[fault.code]
  return spelling ? { ...fault, code: spelling[0], shape: spelling[0], status: spelling[1] } : fault
}
