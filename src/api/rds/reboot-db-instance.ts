import { changeInstance } from '#control/cluster/member-verbs.ts'
import { describeInstance } from '#control/db-instance/describe.ts'
import type { RdsHandler } from '../handler.ts'

export const RebootDBInstance: RdsHandler<'RebootDBInstance'> = async (input, context) => {
  const record = await changeInstance(context.control, context, 'reboot', input)
  return { DBInstance: await describeInstance(context.control, record) }
}
