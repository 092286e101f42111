import type { StsHandler } from '../handler.ts'

/** Every access key is the account's root user: Holdfast has accounts, but no users in them. */
export const getCallerIdentity: StsHandler<'GetCallerIdentity'> = (_input, { account }) => ({
  UserId: account,
  Account: account,
  Arn: `arn:aws:iam::${account}:root`,
})
