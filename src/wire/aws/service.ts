/**
 * A service as the AWS SDK already knows it. `@aws-sdk/client-*` exports a schema for every shape (`DBInstance$`) and
 * its client's configuration carries the facts of its protocol, so that nothing about a service is written down twice.
 * The schemas are no documented server interface: exact pins, and the round-trip test over every operation, guard it.
 */
import { NormalizedSchema } from '@smithy/core/schema'
import type { StaticErrorSchema, StaticOperationSchema } from '@smithy/types'
import { assert } from '#base/assert.ts'

export interface Operation {
  readonly name: string
  readonly input: NormalizedSchema
  readonly output: NormalizedSchema
  /** Status of a successful reply: 200 unless a REST protocol says otherwise. */
  readonly status: number
}

export interface ErrorModel {
  readonly schema: StaticErrorSchema
  /** Name of the shape, and of the SDK's exception class. */
  readonly shape: string
  /** Code on the wire of the query protocols: often not the shape's name. */
  readonly code: string
  readonly status: number
  readonly culprit: 'client' | 'server'
}

export type Dialect = 'query' | 'ec2' | 'json' | 'rest-json'

export interface Service {
  readonly id: string
  readonly signingName: string
  readonly namespace: string
  readonly version: string
  readonly xmlNamespace: string | undefined
  /** Start of X-Amz-Target, and the service's name in RPC v2 paths. */
  readonly target: string | undefined
  /** Protocol of the SDK's own client. */
  readonly dialect: Dialect
  /** Whether its JSON and CBOR answers also carry the code that awsQuery has for an error. */
  readonly queryCompatible: boolean
  readonly operations: ReadonlyMap<string, Operation>
  /** By `POST /Execute`: services with a REST protocol only. */
  readonly routes: ReadonlyMap<string, Operation>
  /** By shape. */
  readonly errors: ReadonlyMap<string, ErrorModel>
}

/** The parts of an SDK client's configuration that are read here. */
interface ClientFacts {
  readonly config: {
    readonly serviceId: string
    readonly apiVersion: string
    readonly defaultSigningName?: string
    readonly protocol: unknown
  }
  destroy(): void
}

interface ProtocolFacts {
  getShapeId(): string
  readonly options: { readonly defaultNamespace: string; readonly version?: string; readonly xmlNamespace?: string }
  readonly serviceTarget?: string
  readonly awsQueryCompatible?: boolean
}

export type ClientClass = new (configuration: {
  region: string
  credentials: { accessKeyId: string; secretAccessKey: string }
}) => ClientFacts

const DIALECTS: Readonly<Record<string, Dialect>> = {
  'aws.protocols#awsQuery': 'query',
  'aws.protocols#ec2Query': 'ec2',
  'aws.protocols#awsJson1_0': 'json',
  'aws.protocols#awsJson1_1': 'json',
  'aws.protocols#restJson1': 'rest-json',
}

/** Kinds of schema, as the first element of its tuple says. */
const OPERATION = 9
const ERROR = -3

/** Reads an SDK module. `Client` is its client class; one is made for its facts and thrown away. */
export function describeService(sdk: object, Client: ClientClass): Service {
  const client = new Client({ region: 'us-east-1', credentials: { accessKeyId: '-', secretAccessKey: '-' } })
  const { config } = client
  client.destroy()
  const protocol = config.protocol as ProtocolFacts
  const dialect = DIALECTS[protocol.getShapeId()]
  assert(dialect, `the protocol of ${config.serviceId} has a server side: ${protocol.getShapeId()}`)
  const schemas = Object.values(sdk).filter((value) => Array.isArray(value)) as unknown[][]
  const operations = schemas.filter(([kind]) => kind === OPERATION) as unknown as StaticOperationSchema[]
  const errors = schemas.filter(([kind]) => kind === ERROR) as unknown as StaticErrorSchema[]
  return {
    id: config.serviceId,
    signingName: config.defaultSigningName ?? config.serviceId.toLowerCase(),
    namespace: protocol.options.defaultNamespace,
    version: protocol.options.version ?? config.apiVersion,
    xmlNamespace: protocol.options.xmlNamespace,
    target: protocol.serviceTarget,
    dialect,
    queryCompatible: protocol.awsQueryCompatible ?? false,
    operations: new Map(operations.map((schema) => [schema[2], operationOf(schema)])),
    routes: new Map(operations.flatMap((schema) => routeOf(schema))),
    errors: new Map(errors.map((schema) => [schema[2], errorOf(schema)])),
  }
}

type Http = readonly [method: string, path: string, status: number]

const httpOf = (traits: StaticOperationSchema[3]): Http | undefined =>
  typeof traits === 'object' ? (traits['http'] as Http | undefined) : undefined

/** Getters, because EC2 alone has 823 operations of which few are used. The SDK caches what they make. */
function operationOf([, , name, traits, input, output]: StaticOperationSchema): Operation {
  return {
    name,
    status: httpOf(traits)?.[2] ?? 200,
    get input() {
      return NormalizedSchema.of(input)
    },
    get output() {
      return NormalizedSchema.of(output)
    },
  }
}

function routeOf(schema: StaticOperationSchema): [string, Operation][] {
  const http = httpOf(schema[3])
  if (!http) return []
  assert(!/[{?]/.test(http[1]), `no path has labels or a query: ${schema[2]} ${http[1]}`)
  return [[`${http[0]} ${http[1]}`, operationOf(schema)]]
}

function errorOf(schema: StaticErrorSchema): ErrorModel {
  const traits = typeof schema[3] === 'object' ? schema[3] : {}
  const query = traits['awsQueryError'] as readonly [code: string, status: number] | undefined
  const culprit = (traits['error'] as ErrorModel['culprit'] | undefined) ?? 'client'
  const status = query?.[1] ?? (traits['httpError'] as number | undefined) ?? (culprit === 'client' ? 400 : 500)
  return { schema, shape: schema[2], code: query?.[0] ?? schema[2], status, culprit }
}
