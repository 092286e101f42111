import { randomPasswordAs } from '#control/secrets/random-password.ts'
import type { SecretsManagerHandler } from '../handler.ts'

export const GetRandomPassword: SecretsManagerHandler<'GetRandomPassword'> = (input, context) => ({
  RandomPassword: randomPasswordAs(input, context.control.random),
})
