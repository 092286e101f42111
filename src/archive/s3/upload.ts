import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  PutObjectCommand,
  UploadPartCommand,
  type S3Client,
} from '@aws-sdk/client-s3'
import { assert } from '#base/assert.ts'
import { UPLOAD_PART_BYTES, UPLOAD_PARTS_MAX } from '../limits.ts'
import { portionsOf, type Body } from '../object-store.ts'

interface Target {
  readonly Bucket: string
  readonly Key: string
}

/** In one request where it is short, else in parts, which the store joins in the end or drops. */
export async function upload(client: S3Client, target: Target, body: Body): Promise<void> {
  const parts = partsOf(body)
  const first = await parts.next()
  const second = await parts.next()
  if (second.done) {
    await client.send(new PutObjectCommand({ ...target, Body: first.value ?? Buffer.alloc(0) }))
    return
  }
  const { UploadId } = await client.send(new CreateMultipartUploadCommand(target))
  assert(UploadId !== undefined, 'an upload in parts has an id')
  try {
    const Parts: { PartNumber: number; ETag: string | undefined }[] = []
    const send = async (Body: Buffer): Promise<void> => {
      const PartNumber = Parts.length + 1
      assert(PartNumber <= UPLOAD_PARTS_MAX, 'an object fits into the parts of an upload')
      const { ETag } = await client.send(new UploadPartCommand({ ...target, UploadId, PartNumber, Body }))
      Parts.push({ PartNumber, ETag })
    }
    await send(first.value!)
    await send(second.value)
    for await (const part of parts) await send(part)
    await client.send(new CompleteMultipartUploadCommand({ ...target, UploadId, MultipartUpload: { Parts } }))
  } catch (error) {
    // Parts that nobody joins are paid for. Where this fails too, a rule of the bucket has to remove them.
    await client.send(new AbortMultipartUploadCommand({ ...target, UploadId })).catch(() => {})
    throw error
  }
}

async function* partsOf(body: Body): AsyncGenerator<Buffer, undefined> {
  let held: Uint8Array[] = []
  let heldBytes = 0
  for await (const portion of portionsOf(body)) {
    for (let at = 0; at < portion.length;) {
      const piece = portion.subarray(at, at + UPLOAD_PART_BYTES - heldBytes)
      held.push(piece)
      heldBytes += piece.length
      at += piece.length
      if (heldBytes === UPLOAD_PART_BYTES) {
        yield Buffer.concat(held)
        held = []
        heldBytes = 0
      }
    }
  }
  if (heldBytes > 0) yield Buffer.concat(held)
}
