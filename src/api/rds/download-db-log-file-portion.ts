import { readLogFile } from '#control/db-instance/logs.ts'
import type { RdsHandler } from '../handler.ts'

export const DownloadDBLogFilePortion: RdsHandler<'DownloadDBLogFilePortion'> = (input, context) =>
  readLogFile(context.control, context, input)
