import { describeAutomatedBackup, listAutomatedBackups } from '#control/db-snapshot/automated-backups.ts'
import type { RdsHandler } from '../handler.ts'
import { page } from '../pages.ts'

export const DescribeDBInstanceAutomatedBackups: RdsHandler<'DescribeDBInstanceAutomatedBackups'> = async (
  input,
  context,
) => {
  const backups = await listAutomatedBackups(context.control, context, input)
  const { items, Marker } = page(backups, {
    ...input,
    keyOf: ({ instance }) => `${instance.id}/${instance.resourceId}`,
  })
  const DBInstanceAutomatedBackups = await Promise.all(
    items.map((one) => describeAutomatedBackup(context.control, one)),
  )
  return { DBInstanceAutomatedBackups, ...(Marker !== undefined && { Marker }) }
}
