/** STS: who is calling. Roles and federation are not part of Holdfast. */
import type * as sts from '@aws-sdk/client-sts'
import type { Handlers } from '#wire/aws/sdk-types.ts'
import type { RequestContext } from '../handler.ts'
import { getAccessKeyInfo } from './get-access-key-info.ts'
import { getCallerIdentity } from './get-caller-identity.ts'

export const stsHandlers = {
  GetAccessKeyInfo: getAccessKeyInfo,
  GetCallerIdentity: getCallerIdentity,
} satisfies Handlers<typeof sts, RequestContext>
