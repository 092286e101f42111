import type * as ec2 from '@aws-sdk/client-ec2'
import type { Handlers } from '#wire/aws/sdk-types.ts'
import type { RequestContext } from '../handler.ts'

export const ec2Handlers = {} satisfies Handlers<typeof ec2, RequestContext>
