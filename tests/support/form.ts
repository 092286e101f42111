/** Requests of RDS as bare forms: what an SDK would mend or refuse by itself gets to the door as it is. */
import assert from 'node:assert/strict'
import type { Holdfast } from './holdfast.ts'

export type Members = Readonly<Record<string, string | number | boolean>>

export interface FormAnswer {
  readonly status: number
  /** The fault's wire code; undefined when the request was answered. */
  readonly code: string | undefined
  readonly message: string
  readonly body: string
}

const VERSIONS = { rds: '2014-10-31', ec2: '2016-11-15' } as const

/** `action` is one of RDS, or `ec2:` and one of EC2. */
export async function sendForm(holdfast: Holdfast, action: string, members: Members = {}): Promise<FormAnswer> {
  const service = action.startsWith('ec2:') ? 'ec2' : 'rds'
  const form = new URLSearchParams({ Action: action.replace('ec2:', ''), Version: VERSIONS[service] })
  for (const [name, value] of Object.entries(members)) form.set(name, String(value))
  // Nobody verifies it without access keys; it says which service, account and region are meant.
  const scope = `test/20260101/us-east-1/${service}/aws4_request`
  const reply = await fetch(holdfast.url, {
    method: 'POST',
    headers: {
      authorization: `AWS4-HMAC-SHA256 Credential=${scope}, SignedHeaders=host;x-amz-date, Signature=${'0'.repeat(64)}`,
      'x-amz-date': '20260101T000000Z',
    },
    body: form,
  })
  const body = await reply.text()
  const text = (element: string): string | undefined => new RegExp(`<${element}>([^<]*)</${element}>`).exec(body)?.[1]
  return { status: reply.status, code: text('Code'), message: text('Message') ?? '', body }
}

/** The body of the answer to a request that must succeed. */
export async function sendGoodForm(...request: Parameters<typeof sendForm>): Promise<string> {
  const { status, body } = await sendForm(...request)
  assert.equal(status, 200, body)
  return body
}
