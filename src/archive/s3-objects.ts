/**
 * Objects in a bucket of S3 or of any store that speaks its protocol. Credentials come from the SDK's own chain: the
 * environment, shared files, the machine's role. Failed requests are tried again by the SDK.
 */
import {
  CopyObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  NoSuchKey,
  S3Client,
} from '@aws-sdk/client-s3'
import { Trouble } from '#base/trouble.ts'
import { DELETE_KEYS_MAX, S3_ATTEMPTS_MAX, S3_CONNECT_MS_MAX, S3_REQUEST_MS_MAX } from './limits.ts'
import { checkKey, type ObjectFacts, type ObjectStore } from './object-store.ts'
import { upload } from './s3/upload.ts'

export interface S3Location {
  readonly bucket: string
  /** Before every key, with a slash at its end; or empty. */
  readonly prefix: string
  /** Of a store other than AWS's; its addresses are in path style. */
  readonly endpoint: string | undefined
  /** Default: the SDK's own chain. */
  readonly region: string | undefined
  /** Default: the SDK's own chain. */
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string }
}

export function s3Objects(location: S3Location): ObjectStore {
  const { bucket: Bucket, prefix, endpoint, region, credentials } = location
  const client = new S3Client({
    maxAttempts: S3_ATTEMPTS_MAX,
    forcePathStyle: endpoint !== undefined,
    // Stores of others know no checksums in trailers. Our objects carry their own.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: { connectionTimeout: S3_CONNECT_MS_MAX, requestTimeout: S3_REQUEST_MS_MAX },
    ...(endpoint !== undefined && { endpoint }),
    ...((region ?? endpoint) !== undefined && { region: region ?? 'us-east-1' }),
    ...(credentials && { credentials }),
  })
  const keyOf = (key: string): string => {
    checkKey(key)
    return prefix + key
  }
  const removeSome = async (keys: readonly string[]): Promise<void> => {
    const Delete = { Objects: keys.map((key) => ({ Key: keyOf(key) })), Quiet: true }
    const { Errors } = await client.send(new DeleteObjectsCommand({ Bucket, Delete }))
    const first = Errors?.[0]
    if (first) throw new Error(`${first.Key}: ${first.Message ?? first.Code}`)
  }
  return {
    put(key, body) {
      const target = { Bucket, Key: keyOf(key) }
      return asking(`put ${key}`, () => upload(client, target, body))
    },
    get: (key) => asking(`get ${key}`, () => read(client, { Bucket, Key: keyOf(key) })),
    list: (under, after) => list(client, { Bucket, prefix }, { under, after }),
    async delete(keys) {
      for (let at = 0; at < keys.length; at += DELETE_KEYS_MAX) {
        await asking('delete objects', () => removeSome(keys.slice(at, at + DELETE_KEYS_MAX)))
      }
    },
    async copy(from, to) {
      const CopySource = `${Bucket}/${keyOf(from)}`
      await asking(`copy ${from}`, () => client.send(new CopyObjectCommand({ Bucket, Key: keyOf(to), CopySource })))
    },
    close: () => client.destroy(),
  }
}

async function read(
  client: S3Client,
  at: { Bucket: string; Key: string },
): Promise<AsyncIterable<Uint8Array> | undefined> {
  try {
    const { Body } = await client.send(new GetObjectCommand(at))
    return Body as AsyncIterable<Uint8Array> | undefined
  } catch (error) {
    if (error instanceof NoSuchKey) return undefined
    throw error
  }
}

async function* list(
  client: S3Client,
  { Bucket, prefix }: { Bucket: string; prefix: string },
  { under, after }: { under: string; after: string | undefined },
): AsyncIterable<ObjectFacts> {
  let next: string | undefined
  do {
    const page = await asking(`list ${under}`, () =>
      client.send(
        new ListObjectsV2Command({
          Bucket,
          Prefix: prefix + under,
          ...(after !== undefined && { StartAfter: prefix + after }),
          ...(next !== undefined && { ContinuationToken: next }),
        }),
      ),
    )
    for (const { Key = '', Size = 0 } of page.Contents ?? []) yield { key: Key.slice(prefix.length), sizeBytes: Size }
    next = page.NextContinuationToken
  } while (next !== undefined)
}

async function asking<R>(what: string, work: () => Promise<R>): Promise<R> {
  try {
    return await work()
  } catch (error) {
    throw new Trouble(`${what}: the object store did not do it`, { culprit: 'peer', retryable: true, cause: error })
  }
}
