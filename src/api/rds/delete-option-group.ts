import { deleteOptionGroup } from '#control/option-group/option-groups.ts'
import type { RdsHandler } from '../handler.ts'

export const DeleteOptionGroup: RdsHandler<'DeleteOptionGroup'> = async (input, context) => {
  await deleteOptionGroup(context.control, context, input.OptionGroupName)
  return {}
}
