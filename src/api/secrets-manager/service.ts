import type * as secretsManager from '@aws-sdk/client-secrets-manager'
import type { Handlers } from '#wire/aws/sdk-types.ts'
import type { RequestContext } from '../handler.ts'

export const secretsManagerHandlers = {} satisfies Handlers<typeof secretsManager, RequestContext>
