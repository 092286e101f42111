import { listLogFiles } from '#control/db-instance/logs.ts'
import type { RdsHandler } from '../handler.ts'
import { page } from '../pages.ts'

export const DescribeDBLogFiles: RdsHandler<'DescribeDBLogFiles'> = async (input, context) => {
  const files = await listLogFiles(context.control, context, input)
  const { items, Marker } = page(files, { ...input, keyOf: (file) => file.name, limits: LIMITS })
  return {
    DescribeDBLogFiles: items.map((file) => ({
      LogFileName: file.name,
      LastWritten: file.writtenAt,
      Size: file.sizeBytes,
    })),
    ...(Marker !== undefined && { Marker }),
  }
}

/** AWS sets no bounds to MaxRecords here. */
const LIMITS = { min: 1, max: 1000, default: 1000 }
