/** What a handler of an AWS operation is given and returns, whatever the service. */
import type * as cloudWatch from '@aws-sdk/client-cloudwatch'
import type * as ec2 from '@aws-sdk/client-ec2'
import type * as rds from '@aws-sdk/client-rds'
import type * as secretsManager from '@aws-sdk/client-secrets-manager'
import type * as sts from '@aws-sdk/client-sts'
import type { Control, Scope } from '#control/control.ts'
import type { OperationInput, OperationName, OperationOutput } from '#wire/aws/sdk-types.ts'

export interface RequestContext extends Scope {
  readonly requestId: string
  /** Undefined for an unsigned request. */
  readonly accessKeyId: string | undefined
  /** Name of the service in the credential scope, or of the one that was routed to. */
  readonly service: string
  readonly operation: string
  readonly control: Control
  /** The account that an access key belongs to. */
  readonly accountOf: (accessKeyId: string) => string
}

/**
 * Answers one operation of one SDK module. Its input has passed the model: types, required members, enums. It throws
 * the SDK's own exceptions (`fault(DBInstanceNotFoundFault, '…')`) or an `AwsFault`; anything else that it throws
 * becomes InternalFailure. It does not wait for work: it commits what should be true and returns.
 */
export type Handler<Sdk, N extends OperationName<Sdk>> = (
  input: OperationInput<Sdk, N>,
  context: RequestContext,
) => Promise<OperationOutput<Sdk, N>> | OperationOutput<Sdk, N>

export type RdsHandler<N extends OperationName<typeof rds>> = Handler<typeof rds, N>
export type CloudWatchHandler<N extends OperationName<typeof cloudWatch>> = Handler<typeof cloudWatch, N>
export type Ec2Handler<N extends OperationName<typeof ec2>> = Handler<typeof ec2, N>
export type SecretsManagerHandler<N extends OperationName<typeof secretsManager>> = Handler<typeof secretsManager, N>
export type StsHandler<N extends OperationName<typeof sts>> = Handler<typeof sts, N>
