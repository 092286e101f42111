/**
 * Verifies AWS Signature Version 4, in headers and in presigned URLs.
 *
 *     canonical request  = method, path, query, headers, names of headers, hash of the body; by line
 *     string to sign     = algorithm, time, scope (date/region/service/aws4_request), hash of the canonical request
 *     signing key        = HMAC chain over the secret, date, region, service, 'aws4_request'
 *     signature          = hex(HMAC(signing key, string to sign))
 *
 * AWS: IAM user guide, "Create a signed AWS API request". Written out rather than built on the SDK's signer, whose
 * canonicaliser is internal, signs every header it sees and leaves some out.
 */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import { AwsFault } from './faults.ts'
import { PRESIGNED_EXPIRES_S_MAX, SIGNATURE_SKEW_MS } from './limits.ts'

export interface SignedRequest {
  readonly method: string
  /** As on the request line: percent-encoded. */
  readonly path: string
  /** Without the question mark, percent-encoded. */
  readonly query: string
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>
  /** As sent: compressed if it was. */
  readonly body: Uint8Array
}

export interface Signature {
  readonly accessKeyId: string
  /** Of the scope: yyyymmdd. */
  readonly date: string
  readonly region: string
  readonly service: string
  readonly signedHeaders: readonly string[]
  readonly signature: string
  /** yyyymmddThhmmssZ. */
  readonly timestamp: string
  readonly sessionToken: string | undefined
  /** Seconds; presigned URLs only. */
  readonly expires: number | undefined
}

const ALGORITHM = 'AWS4-HMAC-SHA256'

/** The signature that a request carries, not verified; undefined for an unsigned one. Throws IncompleteSignature. */
export function parseSignature(request: SignedRequest): Signature | undefined {
  const authorization = request.headers['authorization']
  if (authorization?.startsWith(ALGORITHM)) {
    const fields = new Map(
      authorization
        .slice(ALGORITHM.length)
        .split(',')
        .map((field) => field.trim().split(/=(.*)/s, 2) as [string, string]),
    )
    return signatureOf({
      credential: fields.get('Credential'),
      signedHeaders: fields.get('SignedHeaders'),
      signature: fields.get('Signature'),
      timestamp: request.headers['x-amz-date'],
      sessionToken: request.headers['x-amz-security-token'],
      expires: undefined,
    })
  }
  const query = new URLSearchParams(request.query)
  if (query.get('X-Amz-Algorithm') !== ALGORITHM) return undefined
  return signatureOf({
    credential: query.get('X-Amz-Credential') ?? undefined,
    signedHeaders: query.get('X-Amz-SignedHeaders') ?? undefined,
    signature: query.get('X-Amz-Signature') ?? undefined,
    timestamp: query.get('X-Amz-Date') ?? undefined,
    sessionToken: query.get('X-Amz-Security-Token') ?? undefined,
    expires: Number(query.get('X-Amz-Expires') ?? Number.NaN),
  })
}

interface SignatureFields extends Pick<Signature, 'sessionToken' | 'expires'> {
  readonly credential: string | undefined
  readonly signedHeaders: string | undefined
  readonly signature: string | undefined
  readonly timestamp: string | undefined
}

function signatureOf(fields: SignatureFields): Signature {
  const { credential, signedHeaders, signature, timestamp, sessionToken, expires } = fields
  // An access key id may hold slashes; the region may be empty, as old Go clients with a custom resolver send it.
  const scope = /^(.+)\/(\d{8})\/([^/]*)\/([^/]+)\/aws4_request$/.exec(credential ?? '')
  const missing = [
    !scope && "'Credential'",
    !signedHeaders && "'SignedHeaders'",
    !signature && "'Signature'",
    !timestamp && "'X-Amz-Date'",
  ].filter(Boolean)
  if (!scope || !signedHeaders || !signature || !timestamp) {
    throw incomplete(`Authorization requires a valid ${missing.join(', ')}.`)
  }
  const [, accessKeyId = '', date = '', region = '', service = ''] = scope
  const headers = signedHeaders.split(';')
  return { accessKeyId, date, region, service, signedHeaders: headers, signature, timestamp, sessionToken, expires }
}

const incomplete = (message: string): AwsFault => new AwsFault('IncompleteSignature', message, 403)
const mismatch = (message: string): AwsFault => new AwsFault('SignatureDoesNotMatch', message, 403)

/** Returns if the secret made the signature for this request and it is valid at `nowMs`; throws the fault if not. */
export function verifySignature(
  request: SignedRequest,
  signature: Signature,
  key: { readonly secretAccessKey: string; readonly nowMs: number },
): void {
  if (!signature.signedHeaders.includes('host')) {
    throw mismatch("'Host' must be a 'SignedHeader' in the AWS Authorization.")
  }
  verifyTime(signature, key.nowMs)
  const declared = request.headers['x-amz-content-sha256']
  // Any other declared hash is not believed: the body's own is what must have been signed.
  const bodyHash = declared === 'UNSIGNED-PAYLOAD' ? declared : sha256(request.body)
  const { date, region, service, timestamp } = signature
  const scope = `${date}/${region}/${service}/aws4_request`
  const toSign = [ALGORITHM, timestamp, scope, sha256(canonicalRequest(request, signature, bodyHash))].join('\n')
  const signingKey = [date, region, service, 'aws4_request'].reduce<Buffer>(
    (previous, part) => hmac(previous, part),
    Buffer.from(`AWS4${key.secretAccessKey}`, 'utf8'),
  )
  const expected = hmac(signingKey, toSign)
  const given = Buffer.from(signature.signature, 'hex')
  if (given.length === expected.length && timingSafeEqual(given, expected)) return
  throw mismatch(
    'The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key ' +
      'and signing method. Consult the service documentation for details.',
  )
}

function verifyTime({ timestamp, date, expires }: Signature, nowMs: number): void {
  const parts = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(timestamp)
  const [, year, month, day, hour, minute, second] = parts ?? []
  const signedMs = parts ? Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`) : Number.NaN
  if (Number.isNaN(signedMs) || !timestamp.startsWith(date)) {
    throw incomplete("Date in Credential scope does not match YYYYMMDD from the request's 'X-Amz-Date'.")
  }
  if (signedMs > nowMs + SIGNATURE_SKEW_MS) throw mismatch(`Signature not yet current: ${timestamp} is in the future.`)
  if (expires === undefined) {
    if (nowMs > signedMs + SIGNATURE_SKEW_MS)
      throw mismatch(`Signature expired: ${timestamp} is more than 15 minutes ago.`)
    return
  }
  if (!Number.isInteger(expires) || expires < 1 || expires > PRESIGNED_EXPIRES_S_MAX) {
    throw incomplete(`X-Amz-Expires must be between 1 and ${PRESIGNED_EXPIRES_S_MAX} seconds.`)
  }
  if (nowMs > signedMs + expires * 1_000) throw new AwsFault('RequestExpired', 'Request has expired.', 403)
}

function canonicalRequest(request: SignedRequest, { signedHeaders }: Signature, bodyHash: string): string {
  const headers = signedHeaders.map((name) => `${name}:${spaced(request.headers[name] ?? '')}\n`)
  return [
    request.method,
    canonicalPath(request.path),
    canonicalQuery(request.query),
    headers.join(''),
    signedHeaders.join(';'),
    bodyHash,
  ].join('\n')
}

const spaced = (value: string): string => value.trim().replace(/\s+/g, ' ')

/** Every service but S3 removes dot segments and encodes the path once more. */
function canonicalPath(path: string): string {
  const segments: string[] = []
  for (const segment of path.split('/')) {
    if (segment === '..') segments.pop()
    else if (segment !== '' && segment !== '.') segments.push(encode(segment))
  }
  const end = segments.length > 0 && path.endsWith('/') ? '/' : ''
  return `/${segments.join('/')}${end}`
}

/** Sorted by name, then value, both encoded anew: clients differ in what they escape. */
function canonicalQuery(query: string): string {
  return [...new URLSearchParams(query)]
    .filter(([name]) => name !== 'X-Amz-Signature')
    .map(([name, value]) => [encode(name), encode(value)] as const)
    .sort(([a, x], [b, y]) => (a < b ? -1 : a > b ? 1 : x < y ? -1 : x > y ? 1 : 0))
    .map(([name, value]) => `${name}=${value}`)
    .join('&')
}

/** RFC 3986: only unreserved characters stay. `toWellFormed`, because a lone surrogate would throw. */
function encode(text: string): string {
  return encodeURIComponent(text.toWellFormed()).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}

const sha256 = (data: Uint8Array | string): string => createHash('sha256').update(data).digest('hex')
const hmac = (key: Uint8Array, text: string): Buffer => createHmac('sha256', key).update(text, 'utf8').digest()
