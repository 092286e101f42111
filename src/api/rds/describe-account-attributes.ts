import { accountQuotas } from '#control/quota/quotas.ts'
import type { RdsHandler } from '../handler.ts'

export const DescribeAccountAttributes: RdsHandler<'DescribeAccountAttributes'> = async (_input, context) => ({
  AccountQuotas: await accountQuotas(context.control, context),
})
