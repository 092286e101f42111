import type { StsHandler } from '../handler.ts'

export const getAccessKeyInfo: StsHandler<'GetAccessKeyInfo'> = ({ AccessKeyId }, { accountOf }) => ({
  Account: accountOf(AccessKeyId),
})
