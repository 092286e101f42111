/** Who is calling: access keys, accounts and regions. Decided before any operation is looked at. */
import type { SignedRequest, Signature } from '#wire/aws/sigv4.ts'
import { AwsFault } from '#wire/aws/faults.ts'
import { verifySignature } from '#wire/aws/sigv4.ts'

export type AccessKeys =
  /** Any credentials are taken, and none: for a door on the loopback address only. */
  | { readonly verify: false }
  | {
      readonly verify: true
      /** Undefined for a key that does not exist. */
      secretOf(accessKeyId: string): Promise<string | undefined> | string | undefined
      accountOf(accessKeyId: string): string
    }

export interface Caller {
  readonly account: string
  readonly region: string
  readonly accessKeyId: string | undefined
}

const DEFAULT_ACCOUNT = '000000000000'
const DEFAULT_REGION = 'us-east-1'

/** Where keys are not configured, a key that looks like an account is one, so that tests can have many. */
export function accountOf(keys: AccessKeys, accessKeyId: string): string {
  if (keys.verify) return keys.accountOf(accessKeyId)
  return /^\d{12}$/.test(accessKeyId) ? accessKeyId : DEFAULT_ACCOUNT
}

/** Throws the fault for a request that may not come in. `service` is the signing name it was routed to, if any. */
export async function authenticate(
  request: SignedRequest,
  signature: Signature | undefined,
  door: { readonly keys: AccessKeys; readonly nowMs: number; readonly service?: string | undefined },
): Promise<Caller> {
  const { keys, nowMs, service } = door
  if (!signature) {
    if (keys.verify) throw new AwsFault('MissingAuthenticationToken', 'Request is missing Authentication Token', 403)
    return { account: DEFAULT_ACCOUNT, region: DEFAULT_REGION, accessKeyId: undefined }
  }
  const { accessKeyId } = signature
  if (keys.verify) {
    const secretAccessKey = await keys.secretOf(accessKeyId)
    if (secretAccessKey === undefined) {
      throw new AwsFault('InvalidClientTokenId', 'The security token included in the request is invalid.', 403)
    }
    verifySignature(request, signature, { secretAccessKey, nowMs })
    if (service !== undefined && signature.service !== service) {
      throw new AwsFault('SignatureDoesNotMatch', `Credential should be scoped to correct service: '${service}'.`, 403)
    }
  }
  return { account: accountOf(keys, accessKeyId), region: regionOf(signature), accessKeyId }
}

/** Regions become parts of keys and ARNs. Some Go clients with a resolver of their own sign for no region. */
function regionOf({ region }: Signature): string {
  if (region === '') return DEFAULT_REGION
  if (/^[a-z0-9-]{1,32}$/.test(region)) return region
  throw new AwsFault('SignatureDoesNotMatch', 'Credential should be scoped to a valid region.', 403)
}
