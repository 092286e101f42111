import { createSecret } from '#control/secrets/secret.ts'
import { invalidParameter } from '#control/secrets/faults.ts'
import { CURRENT, versionWith } from '#control/secrets/stages.ts'
import type { SecretsManagerHandler } from '../handler.ts'
import { tagsOf } from './render.ts'

export const CreateSecret: SecretsManagerHandler<'CreateSecret'> = async (input, context) => {
  if (input.AddReplicaRegions?.length) throw invalidParameter('Secrets cannot be replicated to other Regions here.')
  const { arn, name, versions } = await createSecret(context.control, context, {
    name: input.Name,
    description: input.Description,
    kmsKeyId: input.KmsKeyId,
    tags: tagsOf(input.Tags),
    token: input.ClientRequestToken,
    given: input,
  })
  const VersionId = versionWith(versions, CURRENT)
  return { ARN: arn, Name: name, ...(VersionId !== undefined && { VersionId }) }
}
