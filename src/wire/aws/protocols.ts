/** The six wire protocols: how each reads an operation's input and writes its output or a fault. */
import { CborCodec } from '@smithy/core/cbor'
import { JsonCodec2 } from '@smithy/core/protocols'
import type { NormalizedSchema } from '@smithy/core/schema'
import type { SerdeFunctions } from '@smithy/types'
import { Malformed } from './malformed.ts'
import { decodeCbor } from './read-cbor.ts'
import { readDocument } from './read-document.ts'
import { readQuery } from './read-query.ts'
import type { Operation, Service } from './service.ts'
import type { WireFault } from './wire-fault.ts'
import { type Answered, writeEc2Fault, writeEc2Reply, writeQueryFault, writeQueryReply } from './write-xml.ts'

export interface Reply {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | Uint8Array
}

/** A fault may come before its service is known. */
export interface Failed {
  readonly service: Service | undefined
  readonly requestId: string
}

export interface Protocol {
  /** How its front end names failures that come before any service: authentication, unknown operations. */
  readonly spellings: Readonly<Record<string, readonly [code: string, status: number]>>
  /** Throws Malformed. */
  read(operation: Operation, body: Buffer): Record<string, unknown>
  reply(answered: Answered, output: object): Reply
  fault(failed: Failed, fault: WireFault): Reply
}

const XML = 'text/xml'
const XML_WITH_CHARSET = 'text/xml;charset=UTF-8'
const XML_DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'

const formOf = (body: Buffer): URLSearchParams => new URLSearchParams(body.toString('utf8'))

export const awsQuery: Protocol = {
  spellings: {},
  read: (operation, body) => readQuery(operation.input, formOf(body), 'query'),
  reply: (answered, output) => ({
    status: 200,
    headers: { 'content-type': XML },
    body: writeQueryReply(answered, output),
  }),
  fault: ({ service, requestId }, fault) => ({
    status: fault.status,
    headers: { 'content-type': XML },
    body: writeQueryFault(service, fault, requestId),
  }),
}

export const ec2Query: Protocol = {
  spellings: {
    InvalidClientTokenId: ['AuthFailure', 401],
    SignatureDoesNotMatch: ['AuthFailure', 401],
    MissingAuthenticationToken: ['AuthFailure', 401],
  },
  read: (operation, body) => readQuery(operation.input, formOf(body), 'ec2'),
  reply: (answered, output) => ({
    status: 200,
    headers: { 'content-type': XML_WITH_CHARSET },
    body: XML_DECLARATION + writeEc2Reply(answered, output),
  }),
  fault: ({ requestId }, fault) => ({
    status: fault.status,
    headers: { 'content-type': XML_WITH_CHARSET },
    body: XML_DECLARATION + writeEc2Fault(fault, requestId),
  }),
}

const serde = {
  base64Encoder: (input: Uint8Array | string) => Buffer.from(input as string).toString('base64'),
  base64Decoder: (text: string) => Buffer.from(text, 'base64'),
  utf8Encoder: (bytes: Uint8Array | string) => Buffer.from(bytes as Uint8Array).toString('utf8'),
  utf8Decoder: (text: string) => Buffer.from(text, 'utf8'),
} as unknown as SerdeFunctions

/** Only the writers of the SDK's codecs are used: what they write comes from our own handlers. */
interface Codec {
  createSerializer(): { write(schema: never, value: unknown): void; flush(): string | Uint8Array }
  setSerdeContext(context: SerdeFunctions): void
}

function prepared(codec: Codec): Codec {
  codec.setSerdeContext(serde)
  return codec
}

/** 7 is the SDK's number for seconds since the epoch. */
const json = prepared(new JsonCodec2({ timestampFormat: { useTrait: true, default: 7 }, jsonName: false }))
const cbor = prepared(new CborCodec())

function encode(codec: Codec, schema: NormalizedSchema | number, value: object): string | Uint8Array {
  const serializer = codec.createSerializer()
  serializer.write(schema as never, value)
  return serializer.flush()
}

function encodeOutput(codec: Codec, { output: schema }: Operation, output: object): string | Uint8Array | undefined {
  return schema.isUnitSchema() ? undefined : encode(codec, schema, output)
}

/** 15 is the SDK's number for a document: anything. */
const encodeFault = (codec: Codec, type: string, { message, members }: WireFault): string | Uint8Array =>
  encode(codec, 15, { ...members, __type: type, message })

const utf8 = new TextDecoder('utf-8', { fatal: true })

function readJson({ input }: Operation, body: Buffer): Record<string, unknown> {
  if (body.length === 0) return readDocument(input, {})
  let document: unknown
  try {
    document = JSON.parse(utf8.decode(body))
  } catch {
    throw new Malformed('', 'what was sent', 'JSON')
  }
  return readDocument(input, document)
}

function queryError(service: Service | undefined, { code, culprit }: WireFault): Record<string, string> {
  if (!service?.queryCompatible) return {}
  return { 'x-amzn-query-error': `${code};${culprit === 'client' ? 'Sender' : 'Receiver'}` }
}

const JSON_SPELLINGS: Protocol['spellings'] = {
  InvalidClientTokenId: ['UnrecognizedClientException', 400],
  SignatureDoesNotMatch: ['InvalidSignatureException', 400],
  IncompleteSignature: ['IncompleteSignatureException', 400],
  MissingAuthenticationToken: ['MissingAuthenticationTokenException', 400],
  RequestExpired: ['InvalidSignatureException', 400],
  InvalidAction: ['UnknownOperationException', 400],
}

function awsJson(version: '1.0' | '1.1'): Protocol {
  const type = { 'content-type': `application/x-amz-json-${version}` }
  return {
    spellings: JSON_SPELLINGS,
    read: readJson,
    reply: ({ operation }, output) => ({
      status: 200,
      headers: type,
      body: encodeOutput(json, operation, output) ?? '',
    }),
    fault({ service }, fault) {
      // JSON answers 400 or 500 whatever status the model has, except where it stands in for awsQuery, and 501, which
      // is how Holdfast says that it does not do something.
      const coarse = fault.culprit === 'client' ? 400 : Math.max(fault.status, 500)
      const shape = version === '1.0' && service ? `${service.namespace}#${fault.shape}` : fault.shape
      return {
        status: service?.queryCompatible ? fault.status : coarse,
        headers: { ...type, ...queryError(service, fault) },
        body: encodeFault(json, shape, fault),
      }
    },
  }
}

export const awsJson10: Protocol = awsJson('1.0')
export const awsJson11: Protocol = awsJson('1.1')

export const restJson: Protocol = {
  spellings: JSON_SPELLINGS,
  read: readJson,
  reply: ({ operation }, output) => ({
    status: operation.status,
    headers: { 'content-type': 'application/json' },
    body: encodeOutput(json, operation, output) ?? '{}',
  }),
  fault: (_failed, fault) => ({
    status: fault.status,
    headers: { 'content-type': 'application/json', 'x-amzn-errortype': fault.shape },
    body: encodeFault(json, fault.shape, fault),
  }),
}

const CBOR_HEADERS = { 'content-type': 'application/cbor', 'smithy-protocol': 'rpc-v2-cbor' }
const CBOR_EMPTY = Buffer.from([0xbf, 0xff])

export const rpcV2Cbor: Protocol = {
  spellings: JSON_SPELLINGS,
  read: ({ input }, body) => readDocument(input, body.length === 0 ? {} : decodeCbor(body)),
  reply: ({ operation }, output) => ({
    status: 200,
    headers: CBOR_HEADERS,
    body: encodeOutput(cbor, operation, output) ?? CBOR_EMPTY,
  }),
  fault: ({ service }, fault) => ({
    status: fault.status,
    headers: { ...CBOR_HEADERS, ...queryError(service, fault) },
    body: encodeFault(cbor, `${service?.namespace ?? 'aws'}#${fault.shape}`, fault),
  }),
}
