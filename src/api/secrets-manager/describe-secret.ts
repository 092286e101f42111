import { requireSecret } from '#control/secrets/secret.ts'
import type { SecretsManagerHandler } from '../handler.ts'
import { showSecret, stagesById } from './render.ts'

export const DescribeSecret: SecretsManagerHandler<'DescribeSecret'> = async (input, context) => {
  const { value } = await requireSecret(context.control, context, input.SecretId)
  return { ...showSecret(value), VersionIdsToStages: stagesById(value) }
}
