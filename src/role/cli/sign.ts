import { createHash, createHmac } from 'node:crypto'
import type { Hash, Hmac } from 'node:crypto'
import { systemClock } from '#host/clock.ts'
import type { Target } from './target.ts'

/** What signing a `/_holdfast/` request needs of the AWS SDK's signer, whose hash is pluggable. */
class Sha256 {
  private readonly secret: string | Uint8Array | undefined
  private hash: Hash | Hmac

  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    if (secret === undefined || typeof secret === 'string') this.secret = secret
    else this.secret = ArrayBuffer.isView(secret) ? bytesOf(secret) : new Uint8Array(secret)
    this.hash = this.fresh()
  }

  update(data: Uint8Array): void {
    this.hash.update(data)
  }

  digest(): Promise<Uint8Array> {
    return Promise.resolve(new Uint8Array(this.hash.digest()))
  }

  reset(): void {
    this.hash = this.fresh()
  }

  private fresh(): Hash | Hmac {
    return this.secret === undefined ? createHash('sha256') : createHmac('sha256', this.secret)
  }
}

function bytesOf(view: ArrayBufferView): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength)
}

/**
 * Headers that sign a request as any AWS request is signed. Where access keys are configured, Holdfast takes no change
 * without; elsewhere it does not look.
 */
export async function signedHeaders(
  target: Target,
  request: { readonly method: string; readonly url: URL; readonly body: string },
): Promise<Record<string, string>> {
  const { SignatureV4 } = await import('@smithy/signature-v4')
  const { accessKeyId, secretAccessKey, region } = target
  const signer = new SignatureV4({
    credentials: { accessKeyId, secretAccessKey },
    region,
    service: 'rds',
    sha256: Sha256,
  })
  const { url, method, body } = request
  const signed = await signer.sign(
    { method, protocol: url.protocol, hostname: url.hostname, path: url.pathname, headers: { host: url.host }, body },
    { signingDate: new Date(systemClock.now()) },
  )
  // fetch sets the host itself, to the same.
  const { host: _, ...headers } = signed.headers
  return headers
}
