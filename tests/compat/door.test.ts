/** Unmodified clients against the door, with every signature verified: the JavaScript SDK, boto3 and the aws CLI. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { KMSClient, ListKeysCommand } from '@aws-sdk/client-kms'
import { ExecuteStatementCommand, RDSDataClient } from '@aws-sdk/client-rds-data'
import { GetCallerIdentityCommand, GetSessionTokenCommand, STSClient } from '@aws-sdk/client-sts'
import { createApiServer } from '#api/server.ts'
import { serviceDoors } from '#api/services.ts'
import type { Log } from '#base/log.ts'
import type { Control } from '#control/control.ts'
import { systemClock } from '#host/clock.ts'
import { systemRandom } from '#host/random.ts'

const KEY = 'AKIAIOSFODNN7EXAMPLE'
const SECRET = 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY'
const ACCOUNT = '111122223333'

const problems: string[] = []
const quiet = (): void => undefined
const complain = (fields: object, message: string): void => void problems.push(`${message} ${JSON.stringify(fields)}`)
const log: Log = { debug: quiet, info: quiet, warn: complain, error: complain, child: () => log }

const server = createApiServer({
  control: { clock: systemClock, random: systemRandom } as unknown as Control,
  // STS answers; the others are there to be asked for what they do not do.
  services: serviceDoors.filter(({ signingName }) => ['sts', 'kms', 'rds-data'].includes(signingName)),
  accessKeys: { verify: true, secretOf: (id) => (id === KEY ? SECRET : undefined), accountOf: () => ACCOUNT },
  extras: () => undefined,
  log,
})
let endpoint = ''
let home = ''

before(async () => {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  home = await mkdtemp(path.join(os.tmpdir(), 'holdfast-door-'))
})

after(async () => {
  server.closeAllConnections()
  server.close()
  await rm(home, { recursive: true, force: true })
  assert.deepEqual(problems, [])
})

const configured = (secretAccessKey: string): { endpoint: string; region: string; credentials: object } => ({
  endpoint,
  region: 'eu-west-1',
  credentials: { accessKeyId: KEY, secretAccessKey },
})

test('the JavaScript SDK is answered, and told what is wrong, in three protocols', async () => {
  const sts = new STSClient(configured(SECRET) as never)
  assert.equal((await sts.send(new GetCallerIdentityCommand({}))).Account, ACCOUNT)
  await assert.rejects(sts.send(new GetSessionTokenCommand({})), (error: SdkError) => {
    assert.deepEqual(
      [error.name, error.$metadata.httpStatusCode, error.$metadata.attempts],
      ['InternalFailure', 501, 1],
    )
    return /STS GetSessionToken is not implemented/.test(error.message)
  })
  await assert.rejects(new STSClient(configured('wrong') as never).send(new GetCallerIdentityCommand({})), {
    name: 'SignatureDoesNotMatch',
  })
  const kms = new KMSClient(configured('wrong') as never)
  await assert.rejects(kms.send(new ListKeysCommand({})), { name: 'InvalidSignatureException' })
  const data = new RDSDataClient(configured(SECRET) as never)
  const statement = new ExecuteStatementCommand({ resourceArn: 'a', secretArn: 'b', sql: 'select 1' })
  await assert.rejects(data.send(statement), { name: 'InternalFailure', message: /RDS Data ExecuteStatement/ })
})

interface SdkError extends Error {
  readonly $metadata: { readonly httpStatusCode?: number; readonly attempts?: number }
}

test('what is no request of AWS is refused and leaves the door open', async () => {
  const refused = [
    await fetch(endpoint, { method: 'POST', body: 'Action=GetCallerIdentity&Version=2011-06-15' }),
    await fetch(endpoint, { method: 'POST', body: '{', headers: { 'x-amz-target': 'TrentService.Encrypt' } }),
    await fetch(`${endpoint}/?Action=`, { headers: { authorization: 'AWS4-HMAC-SHA256 nonsense' } }),
  ]
  for (const response of refused) assert.ok(response.status >= 400 && response.status < 500, String(response.status))
  await new STSClient(configured(SECRET) as never).send(new GetCallerIdentityCommand({}))
})

interface Ended {
  readonly status: number
  readonly stdout: string
  readonly stderr: string
}

/** The client sees nothing of whoever runs the test: no profile, no proxy, no instance metadata. */
function run(command: string, args: readonly string[], secret = SECRET): Promise<Ended> {
  const env = {
    PATH: process.env['PATH'],
    HOME: home,
    AWS_ACCESS_KEY_ID: KEY,
    AWS_SECRET_ACCESS_KEY: secret,
    AWS_DEFAULT_REGION: 'eu-west-1',
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_MAX_ATTEMPTS: '1',
    AWS_PAGER: '',
    ...(process.env['PYENV_ROOT'] ? { PYENV_ROOT: process.env['PYENV_ROOT'] } : {}),
  }
  return new Promise((resolve) => {
    execFile(command, args, { env, timeout: 60_000 }, (error, stdout, stderr) => {
      resolve({ status: error ? (typeof error.code === 'number' ? error.code : 1) : 0, stdout, stderr })
    })
  })
}

async function absent(command: string, args: readonly string[]): Promise<string | false> {
  const { status } = await run(command, args)
  return status === 0 ? false : `${command} ${args.join(' ')} does not run here`
}

const BOTO3 = `
import sys, boto3
from botocore.exceptions import ClientError
sts = boto3.client('sts', endpoint_url=sys.argv[1])
print(sts.get_caller_identity()['Arn'])
for call in (sts.get_session_token, boto3.client('kms', endpoint_url=sys.argv[1]).list_keys):
    try:
        call()
    except ClientError as error:
        print(error.response['Error']['Code'], error.response['ResponseMetadata']['HTTPStatusCode'])
url = sts.generate_presigned_url('get_caller_identity', HttpMethod='GET')
import urllib.request
print(urllib.request.urlopen(url).status)
`

test('boto3 is answered, also through a presigned URL', async (context) => {
  const reason = await absent('python3', ['-c', 'import boto3'])
  if (reason) return context.skip(reason)
  const { stdout, stderr } = await run('python3', ['-c', BOTO3, endpoint])
  const expected = [`arn:aws:iam::${ACCOUNT}:root`, 'InternalFailure 501', 'InternalFailure 501', '200', '']
  assert.deepEqual(stdout.split('\n'), expected, stderr)
  assert.match((await run('python3', ['-c', BOTO3, endpoint], 'wrong')).stderr, /SignatureDoesNotMatch/)
})

test('the aws CLI is answered', async (context) => {
  const reason = await absent('aws', ['--version'])
  if (reason) return context.skip(reason)
  const whoAmI = ['sts', 'get-caller-identity', '--endpoint-url', endpoint, '--output', 'json']
  const right = await run('aws', whoAmI)
  assert.equal(right.status, 0, right.stderr)
  assert.equal((JSON.parse(right.stdout) as { Account: string }).Account, ACCOUNT)
  assert.match((await run('aws', whoAmI, 'wrong')).stderr, /SignatureDoesNotMatch/)
  const absentOperation = await run('aws', ['kms', 'list-keys', '--endpoint-url', endpoint])
  assert.match(absentOperation.stderr, /InternalFailure.*KMS ListKeys is not implemented/)
})
