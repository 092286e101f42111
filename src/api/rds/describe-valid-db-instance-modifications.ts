import { requireInstance } from '#control/db-instance/find.ts'
import { validModifications } from '#control/engine-version/valid-modifications.ts'
import type { RdsHandler } from '../handler.ts'

export const DescribeValidDBInstanceModifications: RdsHandler<'DescribeValidDBInstanceModifications'> = async (
  input,
  context,
) => {
  const { value } = await requireInstance(context.control, context, input.DBInstanceIdentifier)
  return { ValidDBInstanceModificationsMessage: validModifications(value) }
}
