/** The actions of Secrets Manager. */
import type * as secretsManager from '@aws-sdk/client-secrets-manager'
import type { Handlers } from '#wire/aws/sdk-types.ts'
import type { RequestContext } from '../handler.ts'
import { CreateSecret } from './create-secret.ts'
import { DeleteSecret } from './delete-secret.ts'
import { DescribeSecret } from './describe-secret.ts'
import { GetRandomPassword } from './get-random-password.ts'
import { GetSecretValue } from './get-secret-value.ts'
import { ListSecretVersionIds } from './list-secret-version-ids.ts'
import { ListSecrets } from './list-secrets.ts'
import { PutSecretValue } from './put-secret-value.ts'
import { RestoreSecret } from './restore-secret.ts'
import { TagResource } from './tag-resource.ts'
import { UntagResource } from './untag-resource.ts'
import { UpdateSecretVersionStage } from './update-secret-version-stage.ts'
import { UpdateSecret } from './update-secret.ts'

export const secretsManagerHandlers = {
  CreateSecret,
  DeleteSecret,
  DescribeSecret,
  GetRandomPassword,
  GetSecretValue,
  ListSecretVersionIds,
  ListSecrets,
  PutSecretValue,
  RestoreSecret,
  TagResource,
  UntagResource,
  UpdateSecretVersionStage,
  UpdateSecret,
} satisfies Handlers<typeof secretsManager, RequestContext>
