import { changeInstance } from '#control/cluster/member-verbs.ts'
import { describeInstance } from '#control/db-instance/describe.ts'
import type { RdsHandler } from '../handler.ts'

export const ModifyDBInstance: RdsHandler<'ModifyDBInstance'> = async (input, context) => {
  const record = await changeInstance(context.control, context, 'modify', input)
  return { DBInstance: await describeInstance(context.control, record) }
}
