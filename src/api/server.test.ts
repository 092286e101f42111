import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import * as rds from '@aws-sdk/client-rds'
import { Sha256 } from '@smithy/core/checksum'
import { SignatureV4 } from '@smithy/signature-v4'
import type { Log } from '#base/log.ts'
import type { Control } from '#control/control.ts'
import { systemRandom } from '#host/random.ts'
import { SimulatedClock } from '#host/simulated-clock.ts'
import { fault } from '#wire/aws/faults.ts'
import { describeService } from '#wire/aws/service.ts'
import type { RequestContext } from './handler.ts'
import { type ApiOptions, createApiServer } from './server.ts'
import { type ServiceDoor, serviceDoors } from './services.ts'

const FORM = { 'content-type': 'application/x-www-form-urlencoded' }
const control = { clock: new SimulatedClock(), random: systemRandom } as unknown as Control
const keys: ApiOptions['accessKeys'] = {
  verify: true,
  secretOf: (id) => (id === 'AKIDEXAMPLE' ? 'secret' : undefined),
  accountOf: () => '111122223333',
}

/** RDS with handlers of the test's own. */
function rdsDoor(handlers: Record<string, (input: never, context: RequestContext) => object>): ServiceDoor {
  const loaded = { service: describeService(rds, rds.RDSClient), handlers }
  return { signingName: 'rds', version: '2014-10-31', dialect: 'query', load: () => Promise.resolve(loaded) }
}

interface Running {
  readonly url: string
  readonly lines: { level: string; fields: Record<string, unknown> }[]
  post(
    body: string | Buffer,
    headers?: Record<string, string>,
  ): Promise<{ status: number; text: string; headers: Headers }>
}

async function withServer(options: Partial<ApiOptions>, run: (running: Running) => Promise<void>): Promise<void> {
  const lines: Running['lines'] = []
  const at = (level: string) => (fields: object) => void lines.push({ level, fields: { ...fields } })
  const log: Log = { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error'), child: () => log }
  const server = createApiServer({
    control,
    services: [rdsDoor({}), ...serviceDoors.slice(1)],
    accessKeys: { verify: false },
    extras: () => undefined,
    log,
    ...options,
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  try {
    await run({
      url,
      lines,
      async post(body, headers = FORM) {
        const response = await fetch(url, { method: 'POST', body: body as string, headers })
        return { status: response.status, text: await response.text(), headers: response.headers }
      },
    })
  } finally {
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
  }
}

const whoAmI = 'Action=GetCallerIdentity&Version=2011-06-15'
const scopedTo = (service: string, keyId = 'key', region = 'eu-west-1'): Record<string, string> => ({
  ...FORM,
  'x-amz-date': '20260101T000000Z',
  authorization: `AWS4-HMAC-SHA256 Credential=${keyId}/20260101/${region}/${service}/aws4_request, SignedHeaders=host, Signature=00`,
})

async function sign(
  url: string,
  body: string,
  as: { service: string; secret?: string; keyId?: string },
): Promise<Record<string, string>> {
  const { host, hostname } = new URL(url)
  const signer = new SignatureV4({
    service: as.service,
    region: 'us-east-1',
    credentials: { accessKeyId: as.keyId ?? 'AKIDEXAMPLE', secretAccessKey: as.secret ?? 'secret' },
    sha256: Sha256,
  })
  const unsigned = {
    method: 'POST',
    protocol: 'http:',
    hostname,
    path: '/',
    query: {},
    headers: { ...FORM, host },
    body,
  }
  return (await signer.sign(unsigned, { signingDate: new Date(control.clock.now()) })).headers
}

test('where keys are not verified, twelve digits are an account and everything else is the default one', async () => {
  await withServer({}, async ({ post }) => {
    const cases: [Record<string, string>, string][] = [
      [FORM, '000000000000'],
      [scopedTo('sts', 'test'), '000000000000'],
      [scopedTo('sts', '123456789012'), '123456789012'],
    ]
    for (const [headers, account] of cases) {
      const { status, text } = await post(whoAmI, headers)
      assert.equal(status, 200)
      assert.match(text, new RegExp(`<Account>${account}</Account>`))
    }
  })
})

test('a handler is told who calls, where, and for what', async () => {
  let seen: RequestContext | undefined
  const door = rdsDoor({
    DescribeDBInstances: (_input, context) => {
      seen = context
      return {}
    },
  })
  await withServer({ services: [door] }, async ({ post }) => {
    const { headers } = await post('Action=DescribeDBInstances&Version=2014-10-31', scopedTo('rds', 'key'))
    assert.equal(seen?.requestId, headers.get('x-amzn-requestid'))
    const { account, region, accessKeyId, service, operation } = seen!
    assert.deepEqual(
      [account, region, accessKeyId, service, operation],
      ['000000000000', 'eu-west-1', 'key', 'rds', 'DescribeDBInstances'],
    )
    await post('Action=DescribeDBInstances&Version=2014-10-31')
    assert.equal(seen?.region, 'us-east-1')
  })
})

test('where keys are verified, only a right signature comes in', async () => {
  await withServer({ accessKeys: keys }, async ({ url, post }) => {
    const right = await post(whoAmI, await sign(url, whoAmI, { service: 'sts' }))
    assert.equal(right.status, 200)
    assert.match(right.text, /<Account>111122223333</)
    const refused: [string, Record<string, string>][] = [
      ['MissingAuthenticationToken', FORM],
      ['SignatureDoesNotMatch', await sign(url, whoAmI, { service: 'sts', secret: 'wrong' })],
      ['SignatureDoesNotMatch', await sign(url, `${whoAmI}&x=1`, { service: 'sts' })],
      ['InvalidClientTokenId', await sign(url, whoAmI, { service: 'sts', keyId: 'unknown' })],
      ['IncompleteSignature', { ...FORM, authorization: 'AWS4-HMAC-SHA256 Credential=x' }],
    ]
    for (const [code, headers] of refused) {
      const { status, text } = await post(whoAmI, headers)
      assert.equal(status, 403)
      assert.match(text, new RegExp(`<Code>${code}</Code>`))
    }
  })
})

test('a signature for one service does not open another', async () => {
  await withServer({ accessKeys: keys }, async ({ url, post }) => {
    const headers = { ...(await sign(url, '{}', { service: 'sts' })), 'x-amz-target': 'TrentService.ListKeys' }
    const { status, text } = await post('{}', headers)
    assert.equal(status, 400)
    assert.match(text, /InvalidSignatureException.*correct service: 'kms'/)
  })
})

test('each protocol names a refusal in its own way', async () => {
  await withServer({ accessKeys: keys }, async ({ post }) => {
    const json = await post('{}', { 'x-amz-target': 'TrentService.ListKeys' })
    assert.deepEqual(
      [json.status, (JSON.parse(json.text) as { __type: string }).__type],
      [400, 'MissingAuthenticationTokenException'],
    )
    const ec2 = await post('Action=DescribeVpcs&Version=2016-11-15')
    assert.equal(ec2.status, 401)
    assert.match(ec2.text, /<Response><Errors><Error><Code>AuthFailure</)
  })
})

test('what is not built, not known or not named is told apart', async () => {
  await withServer({}, async ({ post, lines }) => {
    const cases: [string, Record<string, string>, number, string][] = [
      ['Action=CreateDBInstance&Version=2014-10-31', FORM, 501, 'RDS CreateDBInstance is not implemented'],
      ['Action=ListUsers&Version=2010-05-08', scopedTo('iam'), 501, "The service 'iam' is not implemented"],
      ['Action=Nope&Version=2014-10-31', FORM, 400, 'InvalidAction'],
      ['Version=2014-10-31', FORM, 400, 'MissingAction'],
      ['{}', { 'x-amz-target': 'TrentService.Nope' }, 400, 'UnknownOperationException'],
      ['{}', { 'x-amz-target': 'TrentService.Encrypt' }, 501, 'KMS Encrypt is not implemented'],
    ]
    for (const [body, headers, expected, what] of cases) {
      const { status, text } = await post(body, headers)
      assert.equal(status, expected, text)
      assert.ok(text.includes(what) || text.replaceAll('&apos;', "'").includes(what), text)
    }
    assert.deepEqual(new Set(lines.map(({ level }) => level)), new Set(['info']))
  })
})

test("a handler's fault is the client's, and its accident is logged with the request id and hidden", async () => {
  const door = rdsDoor({
    DescribeDBInstances: () => {
      throw fault(rds.DBInstanceNotFoundFault, 'DBInstance x not found.')
    },
    DescribeEvents: () => {
      throw new Error('the secret is x')
    },
  })
  await withServer({ services: [door] }, async ({ post, lines }) => {
    const known = await post('Action=DescribeDBInstances&Version=2014-10-31')
    assert.equal(known.status, 404)
    assert.match(known.text, /<Code>DBInstanceNotFound<\/Code><Message>DBInstance x not found\.</)
    assert.equal(lines.length, 0)
    const accident = await post('Action=DescribeEvents&Version=2014-10-31')
    assert.equal(accident.status, 500)
    assert.match(accident.text, /<Code>InternalFailure</)
    assert.doesNotMatch(accident.text, /secret/)
    assert.equal(lines[0]?.level, 'error')
    assert.equal(lines[0]?.fields['requestId'], accident.headers.get('x-amzn-requestid'))
  })
})

test('input that does not fit the model never reaches the handler', async () => {
  const door = rdsDoor({ CreateDBInstance: () => assert.fail('the handler was called') })
  await withServer({ services: [door] }, async ({ post, lines }) => {
    for (const members of ['', '&DBInstanceIdentifier=a&DBInstanceClass=b&Engine=c&AllocatedStorage=x']) {
      const { status, text } = await post(`Action=CreateDBInstance&Version=2014-10-31${members}`)
      assert.equal(status, 400)
      assert.match(text, /<Code>InvalidParameterValue</)
    }
    assert.equal(lines.length, 0)
  })
})

test('a compressed body is read, a broken or exploding one refused', async () => {
  await withServer({ limits: { bodyBytesMax: 10_000 } }, async ({ post }) => {
    const gzip = { ...FORM, 'content-encoding': 'gzip' }
    assert.equal((await post(gzipSync(whoAmI), gzip)).status, 200)
    assert.equal((await post('not gzip', gzip)).status, 400)
    assert.match((await post(gzipSync('a'.repeat(1_000_000)), gzip)).text, /<Code>MalformedInput</)
    assert.equal((await post(whoAmI, { ...FORM, 'content-encoding': 'br' })).status, 415)
  })
})

test('a body over the limit is answered, whether its length was announced or not', async () => {
  await withServer({ limits: { bodyBytesMax: 1_000 } }, async ({ url, post }) => {
    assert.equal((await post('a'.repeat(1_000))).status, 400)
    assert.equal((await post('a'.repeat(1_001))).status, 413)
    // Nothing ends this request: the answer comes while the client is still sending.
    const endless = request(url, { method: 'POST' })
    endless.on('error', () => undefined)
    endless.write('a'.repeat(1_001))
    const [response] = (await once(endless, 'response')) as [IncomingMessage]
    assert.equal(response.statusCode, 413)
    assert.match(await text(response), /RequestEntityTooLarge/)
    endless.destroy()
  })
})

test('pages of other sites are refused', async () => {
  await withServer({}, async ({ url, post }) => {
    for (const headers of [
      { origin: 'https://evil.example' },
      { origin: 'null' },
      { 'sec-fetch-site': 'cross-site' },
    ]) {
      assert.equal((await post(whoAmI, { ...FORM, ...headers } as Record<string, string>)).status, 403)
    }
    assert.equal((await post(whoAmI, { ...FORM, origin: new URL(url).origin })).status, 200)
  })
})

test('extras answer what is not of AWS, and need a key for changes where keys are verified', async () => {
  const extras: ApiOptions['extras'] = ({ method, path, query, body }) =>
    path === '/_holdfast/echo'
      ? { status: 200, headers: {}, body: `${method} ${query.get('a')} ${body.toString()}` }
      : undefined
  await withServer({ extras }, async ({ url }) => {
    const echoed = await fetch(`${url}_holdfast/echo?a=1`, { method: 'POST', body: 'x' })
    assert.deepEqual([echoed.status, await echoed.text()], [200, 'POST 1 x'])
    assert.equal((await fetch(`${url}_holdfast/nothing`)).status, 404)
  })
  await withServer({ extras, accessKeys: keys }, async ({ url }) => {
    assert.equal((await fetch(`${url}_holdfast/echo`)).status, 200)
    assert.equal((await fetch(`${url}_holdfast/echo`, { method: 'POST' })).status, 403)
  })
})

test('a service is loaded by its first request and not before', async () => {
  let loads = 0
  const sts = serviceDoors.find(({ signingName }) => signingName === 'sts')!
  const lazy = { ...sts, load: () => (loads++, sts.load()) }
  await withServer({ services: [lazy] }, async ({ post }) => {
    assert.equal(loads, 0)
    await post(whoAmI)
    assert.equal(loads, 1)
  })
})
