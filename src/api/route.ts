/** Which service, operation and protocol a request is for. Looks at nothing that a service's SDK module knows. */
import { awsJson10, awsJson11, awsQuery, ec2Query, type Protocol, restJson, rpcV2Cbor } from '#wire/aws/protocols.ts'
import type { SignedRequest } from '#wire/aws/sigv4.ts'
import type { ServiceDoor } from './services.ts'

export interface Route {
  readonly protocol: Protocol
  /** Undefined when the request names no service that is here. */
  readonly door: ServiceDoor | undefined
  /** Name of the operation; for REST its method and path. Undefined when the request names none. */
  readonly operation: string | undefined
  /** What the protocol reads. */
  readonly body: Buffer
}

/** A request whose body is no longer compressed. */
export interface PlainRequest extends SignedRequest {
  readonly body: Buffer
}

export interface Hints {
  readonly doors: readonly ServiceDoor[]
  /** The service in the credential scope; undefined for an unsigned request. */
  readonly scope: string | undefined
}

const RPC_V2_PATH = /^(?:\/[^/]+)*?\/service\/([^/]+)\/operation\/([^/]+)$/

/** The order matters: newer SDKs send some services JSON where older ones send forms, under one version and scope. */
export function routeOf(request: PlainRequest, hints: Hints): Route {
  return (
    rpcRoute(request, hints) ?? targetRoute(request, hints) ?? actionRoute(request, hints) ?? restRoute(request, hints)
  )
}

const signedFor = ({ doors, scope }: Hints): ServiceDoor | undefined => doors.find((door) => door.signingName === scope)

const targeted = (target: string, hints: Hints): ServiceDoor | undefined =>
  hints.doors.find((door) => door.target === target) ?? signedFor(hints)

function rpcRoute({ headers, path, body }: PlainRequest, hints: Hints): Route | undefined {
  const [, target, operation] = (headers['smithy-protocol'] === 'rpc-v2-cbor' && RPC_V2_PATH.exec(path)) || []
  return target === undefined ? undefined : { protocol: rpcV2Cbor, door: targeted(target, hints), operation, body }
}

function targetRoute({ headers, body }: PlainRequest, hints: Hints): Route | undefined {
  const target = headers['x-amz-target']
  if (target === undefined) return undefined
  const dot = target.lastIndexOf('.')
  return {
    protocol: headers['content-type']?.startsWith('application/x-amz-json-1.0') ? awsJson10 : awsJson11,
    door: targeted(target.slice(0, Math.max(dot, 0)), hints),
    operation: target.slice(dot + 1),
    body,
  }
}

/** Presigned URLs and scripts have everything in the URL. */
function actionRoute(request: PlainRequest, hints: Hints): Route | undefined {
  const isForm = request.headers['content-type']?.startsWith('application/x-www-form-urlencoded') ?? false
  const body = isForm && request.body.length > 0 ? request.body : Buffer.from(request.query, 'utf8')
  const form = new URLSearchParams(body.toString('utf8'))
  const operation = form.get('Action')
  if (operation === null) return undefined
  const version = form.get('Version')
  // A scope that is not here must not fall through to another service that happens to have the same version.
  const door = hints.scope === undefined ? hints.doors.find((one) => one.version === version) : signedFor(hints)
  return { protocol: door?.dialect === 'ec2' ? ec2Query : awsQuery, door, operation, body }
}

function restRoute({ method, path, body }: PlainRequest, hints: Hints): Route {
  const door = signedFor(hints)
  if (door?.dialect === 'rest-json') return { protocol: restJson, door, operation: `${method} ${path}`, body }
  const protocol = door?.dialect === 'json' ? awsJson11 : door?.dialect === 'ec2' ? ec2Query : awsQuery
  return { protocol, door, operation: undefined, body }
}
