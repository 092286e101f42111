import type * as rds from '@aws-sdk/client-rds'
import type { Handlers } from '#wire/aws/sdk-types.ts'
import type { RequestContext } from '../handler.ts'

export const rdsHandlers = {} satisfies Handlers<typeof rds, RequestContext>
