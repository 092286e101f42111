import type { ResourceNotFoundException } from '@aws-sdk/client-secrets-manager'
import { invalidParameter } from '#control/secrets/faults.ts'
import { RECOVERY_DAYS_MAX } from '#control/secrets/limits.ts'
import { deleteSecret } from '#control/secrets/secret.ts'
import type { SecretsManagerHandler } from '../handler.ts'

export const DeleteSecret: SecretsManagerHandler<'DeleteSecret'> = async (input, context) => {
  const { SecretId: secretId, RecoveryWindowInDays, ForceDeleteWithoutRecovery: force } = input
  if (force && RecoveryWindowInDays !== undefined) {
    throw invalidParameter("You can't use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays.")
  }
  const days = force ? undefined : (RecoveryWindowInDays ?? RECOVERY_DAYS_MAX)
  try {
    const { arn, name, deletion } = await deleteSecret(context.control, context, { secretId, days })
    return { ARN: arn, Name: name, DeletionDate: new Date(deletion!.goneAt) }
  } catch (error) {
    // AWS: DeleteSecret, ForceDeleteWithoutRecovery: a secret that is not there is deleted already.
    if (!force || (error as ResourceNotFoundException).name !== 'ResourceNotFoundException') throw error
    return { Name: secretId, DeletionDate: new Date(context.control.clock.now()) }
  }
}
