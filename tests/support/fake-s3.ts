/** A small S3 in this process, in path style: as much of the protocol as the S3 driver may use. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface FakeS3 {
  readonly endpoint: string
  readonly objects: Map<string, Buffer>
  /** Uploads in parts that were neither completed nor aborted. */
  unfinished(): number
  /** Answers so many of the next requests with 503. */
  failNext(count: number): void
  /** Requests so far. */
  requests(): number
  close(): Promise<void>
}

/** Objects are under `/bucket/`. A page of a listing has `pageSize` keys. */
export async function fakeS3(pageSize = 10): Promise<FakeS3> {
  const objects = new Map<string, Buffer>()
  const uploads = new Map<string, Map<number, Buffer>>()
  let failures = 0
  let count = 0
  const server = createServer((request, response) => {
    count++
    void bodyOf(request).then((body) => {
      if (failures > 0) {
        failures--
        return reply(response, 503, '<Error><Code>SlowDown</Code><Message>Slow down</Message></Error>')
      }
      answer({ request, response, body, objects, uploads, pageSize })
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    objects,
    unfinished: () => uploads.size,
    failNext: (next) => (failures = next),
    requests: () => count,
    close: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

interface Call {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly body: Buffer
  readonly objects: Map<string, Buffer>
  readonly uploads: Map<string, Map<number, Buffer>>
  readonly pageSize: number
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

function reply(response: ServerResponse, status: number, body: string | Buffer = '', headers: object = {}): void {
  response.writeHead(status, { 'content-type': 'application/xml', ...headers })
  response.end(body)
}

function answer(call: Call): void {
  const url = new URL(call.request.url!, 'http://s3')
  const key = decodeURIComponent(url.pathname.replace(/^\/bucket\/?/, ''))
  if (!url.pathname.startsWith('/bucket')) return reply(call.response, 404, '<Error><Code>NoSuchBucket</Code></Error>')
  const handle = { GET: read, PUT: write, POST: post, DELETE: remove }[call.request.method!]
  if (!handle) return reply(call.response, 405)
  handle(call, key, url.searchParams)
}

function read({ response, objects, pageSize }: Call, key: string, query: URLSearchParams): void {
  if (key === '') return reply(response, 200, listing(objects, query, pageSize))
  const found = objects.get(key)
  if (!found) return reply(response, 404, '<Error><Code>NoSuchKey</Code><Message>none</Message></Error>')
  reply(response, 200, found, { 'content-type': 'application/octet-stream' })
}

function listing(objects: Map<string, Buffer>, query: URLSearchParams, pageSize: number): string {
  const after = query.get('continuation-token') ?? query.get('start-after') ?? ''
  const keys = [...objects.keys()].filter((key) => key.startsWith(query.get('prefix') ?? '') && key > after).sort()
  const page = keys.slice(0, pageSize)
  const isLast = page.length === keys.length
  const contents = page.map((key) => `<Contents><Key>${key}</Key><Size>${objects.get(key)!.length}</Size></Contents>`)
  const next = isLast ? '' : `<NextContinuationToken>${page.at(-1)}</NextContinuationToken>`
  return `<ListBucketResult><IsTruncated>${!isLast}</IsTruncated>${next}${contents.join('')}</ListBucketResult>`
}

function write({ request, response, body, objects, uploads }: Call, key: string, query: URLSearchParams): void {
  const upload = query.get('uploadId')
  const source = request.headers['x-amz-copy-source']
  if (upload !== null) {
    uploads.get(upload)?.set(Number(query.get('partNumber')), body)
    return reply(response, 200, '', { etag: `"${body.length}"` })
  }
  if (source === undefined) {
    objects.set(key, body)
    return reply(response, 200, '', { etag: '"e"' })
  }
  const found = objects.get(decodeURIComponent(String(source)).replace(/^\/?bucket\//, ''))
  if (!found) return reply(response, 404, '<Error><Code>NoSuchKey</Code><Message>none</Message></Error>')
  objects.set(key, found)
  reply(response, 200, '<CopyObjectResult><ETag>"e"</ETag></CopyObjectResult>')
}

function post({ response, body, objects, uploads }: Call, key: string, query: URLSearchParams): void {
  if (query.has('delete')) {
    for (const [, name] of body.toString().matchAll(/<Key>([^<]*)<\/Key>/g)) objects.delete(name!)
    return reply(response, 200, '<DeleteResult></DeleteResult>')
  }
  if (query.has('uploads')) {
    const id = `upload-${uploads.size}-${key.length}`
    uploads.set(id, new Map())
    return reply(
      response,
      200,
      `<InitiateMultipartUploadResult><UploadId>${id}</UploadId></InitiateMultipartUploadResult>`,
    )
  }
  const parts = uploads.get(query.get('uploadId')!)
  if (!parts) return reply(response, 404, '<Error><Code>NoSuchUpload</Code></Error>')
  const numbers = [...body.toString().matchAll(/<PartNumber>(\d+)<\/PartNumber>/g)].map(([, n]) => Number(n))
  objects.set(key, Buffer.concat(numbers.map((n) => parts.get(n)!)))
  uploads.delete(query.get('uploadId')!)
  reply(response, 200, '<CompleteMultipartUploadResult><ETag>"e"</ETag></CompleteMultipartUploadResult>')
}

function remove({ response, objects, uploads }: Call, key: string, query: URLSearchParams): void {
  const upload = query.get('uploadId')
  if (upload === null) objects.delete(key)
  else uploads.delete(upload)
  reply(response, 204)
}
