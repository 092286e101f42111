import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Sha256 } from '@smithy/core/checksum'
import { SignatureV4 } from '@smithy/signature-v4'
import type { HttpRequest } from '@smithy/types'
import { parseSignature, type SignedRequest, verifySignature } from './sigv4.ts'

const KEY = 'AKIDEXAMPLE'
const SECRET = 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY'
const AT = Date.UTC(2015, 7, 30, 12, 36, 0)

function verify(request: SignedRequest, secretAccessKey = SECRET, nowMs = AT): void {
  const signature = parseSignature(request)
  assert.ok(signature, 'the request is signed')
  verifySignature(request, signature, { secretAccessKey, nowMs })
}

/** AWS: IAM user guide, "Create a signed request", and the published test suite's get-vanilla. */
const LIST_USERS: SignedRequest = {
  method: 'GET',
  path: '/',
  query: 'Action=ListUsers&Version=2010-05-08',
  headers: {
    'content-type': 'application/x-www-form-urlencoded; charset=utf-8',
    host: 'iam.amazonaws.com',
    'x-amz-date': '20150830T123600Z',
    authorization:
      'AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, ' +
      'SignedHeaders=content-type;host;x-amz-date, ' +
      'Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7',
  },
  body: new Uint8Array(),
}
const VANILLA: SignedRequest = {
  method: 'GET',
  path: '/',
  query: '',
  headers: {
    host: 'example.amazonaws.com',
    'x-amz-date': '20150830T123600Z',
    authorization:
      'AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, ' +
      'SignedHeaders=host;x-amz-date, Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31',
  },
  body: new Uint8Array(),
}

const signer = new SignatureV4({
  service: 'rds',
  region: 'eu-central-1',
  credentials: { accessKeyId: KEY, secretAccessKey: SECRET, sessionToken: 'token/+=' },
  sha256: Sha256,
})

interface Asked {
  readonly path?: string
  readonly query?: Record<string, string | string[]>
  readonly headers?: Record<string, string>
  readonly body?: string
}

const received = (asked: Asked, headers: Record<string, string>, query: Asked['query'] = {}): SignedRequest => ({
  method: 'POST',
  path: asked.path ?? '/',
  query: Object.entries(query)
    .flatMap(([name, values]) => [values].flat().map((value) => [name, value]))
    .map((pair) => pair.map((text) => encodeURIComponent(text!)).join('='))
    .join('&'),
  headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value])),
  body: Buffer.from(asked.body ?? ''),
})

const toSign = (asked: Asked): HttpRequest =>
  ({
    method: 'POST',
    protocol: 'http:',
    hostname: 'localhost',
    path: asked.path ?? '/',
    query: asked.query ?? {},
    headers: { host: 'localhost:4566', ...asked.headers },
    body: asked.body ?? '',
  }) as HttpRequest

async function signed(asked: Asked): Promise<SignedRequest> {
  const { headers } = await signer.sign(toSign(asked), { signingDate: new Date(AT) })
  return received(asked, headers, asked.query)
}

async function presigned(asked: Asked, expiresIn: number): Promise<SignedRequest> {
  const { headers, query } = await signer.presign(toSign(asked), { signingDate: new Date(AT), expiresIn })
  return received(asked, headers, query as Asked['query'])
}

const refusedWith = (code: string) => (error: unknown) => (error as { code: string }).code === code

test("AWS's published signatures are verified", () => {
  verify(LIST_USERS)
  verify(VANILLA)
})

test('what the SDK signs is verified, whatever its path, query, headers and body', async () => {
  const requests: Asked[] = [
    {},
    { body: 'Action=DescribeDBInstances&Version=2014-10-31' },
    { path: '/a b/ü/%41/service/X', body: '{}' },
    { path: '/a/./b/../c//d/' },
    { query: { b: ['2', '1'], a: "ü &=+/'()*!~", 'B c': '' } },
    { headers: { 'x-amz-target': 'A.B', 'x-amz-meta': '  two   spaces  ', 'content-type': 'text/plain' } },
    { headers: { 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' }, body: 'anything' },
  ]
  for (const asked of requests) {
    const request = await signed(asked)
    assert.doesNotThrow(() => verify(request), JSON.stringify(asked))
  }
})

test('the session token comes from the header or the query', async () => {
  assert.equal(parseSignature(await signed({}))?.sessionToken, 'token/+=')
  assert.equal(parseSignature(await presigned({}, 60))?.sessionToken, 'token/+=')
})

test('a presigned URL is good from its date until it expires', async () => {
  const request = await presigned({ query: { Action: 'DescribeDBInstances' } }, 600)
  verify(request)
  verify(request, SECRET, AT + 600_000)
  assert.throws(() => verify(request, SECRET, AT + 600_001), refusedWith('RequestExpired'))
  assert.throws(() => verify(request, SECRET, AT - 16 * 60_000), refusedWith('SignatureDoesNotMatch'))
  const forever = { ...request, query: request.query.replace('X-Amz-Expires=600', 'X-Amz-Expires=604801') }
  assert.throws(() => verify(forever), refusedWith('IncompleteSignature'))
})

test('a header signature is good for fifteen minutes around its date', async () => {
  const request = await signed({})
  for (const minutes of [-15, 15]) verify(request, SECRET, AT + minutes * 60_000)
  for (const minutes of [-15.1, 15.1]) {
    assert.throws(() => verify(request, SECRET, AT + minutes * 60_000), refusedWith('SignatureDoesNotMatch'))
  }
})

test('any change to what was signed is refused', async () => {
  const good = await signed({ path: '/x', query: { a: '1' }, body: 'body' })
  verify(good)
  const changes: Partial<SignedRequest>[] = [
    { method: 'GET' },
    { path: '/y' },
    { query: 'a=2' },
    { query: '' },
    { body: Buffer.from('other') },
    { headers: { ...good.headers, host: 'elsewhere' } },
    { headers: { ...good.headers, 'x-amz-date': '20150830T123601Z' } },
    { headers: { ...good.headers, 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' } },
    { headers: { ...good.headers, authorization: good.headers['authorization']!.replace('/rds/', '/ec2/') } },
    { headers: { ...good.headers, authorization: good.headers['authorization']!.replace(/.$/, '') } },
  ]
  for (const change of changes) {
    assert.throws(() => verify({ ...good, ...change }), refusedWith('SignatureDoesNotMatch'), JSON.stringify(change))
  }
  assert.throws(() => verify(good, 'another secret'), refusedWith('SignatureDoesNotMatch'))
})

test('a signature that leaves the host out is refused', () => {
  const authorization = LIST_USERS.headers['authorization']!.replace('content-type;host;', 'content-type;')
  const request = { ...LIST_USERS, headers: { ...LIST_USERS.headers, authorization } }
  assert.throws(() => verify(request), refusedWith('SignatureDoesNotMatch'))
})

test('a date that is not of the scope is refused', () => {
  const authorization = LIST_USERS.headers['authorization']!.replace('/20150830/', '/20150831/')
  const request = { ...LIST_USERS, headers: { ...LIST_USERS.headers, authorization } }
  assert.throws(() => verify(request), refusedWith('IncompleteSignature'))
})

test('a request without a signature is not taken for one with a bad signature', () => {
  assert.equal(parseSignature({ ...VANILLA, headers: {} }), undefined)
  assert.equal(parseSignature({ ...VANILLA, headers: { authorization: 'Bearer x' } }), undefined)
})

test('a signature with a part missing says which', () => {
  const whole = VANILLA.headers['authorization']!
  const broken: [string, RegExp][] = [
    ['AWS4-HMAC-SHA256', /'Credential', 'SignedHeaders', 'Signature'/],
    [whole.replace('/aws4_request', ''), /'Credential'/],
    [whole.replace('Signature=', 'Sign='), /'Signature'/],
  ]
  for (const [authorization, message] of broken) {
    const request = { ...VANILLA, headers: { ...VANILLA.headers, authorization } }
    assert.throws(() => parseSignature(request), { code: 'IncompleteSignature', message })
  }
  const undated = { ...VANILLA, headers: { authorization: whole } }
  assert.throws(() => parseSignature(undated), { code: 'IncompleteSignature', message: /'X-Amz-Date'/ })
})

test('an empty region is taken, as some clients with a resolver of their own send it', () => {
  const authorization = VANILLA.headers['authorization']!.replace('us-east-1', '')
  assert.equal(parseSignature({ ...VANILLA, headers: { ...VANILLA.headers, authorization } })?.region, '')
})
