/** DescribeDBLogFiles and DownloadDBLogFilePortion: the engine's own log, read through its host. */
import { DBInstanceNotReadyFault, DBLogFileNotFoundFault, type Filter } from '@aws-sdk/client-rds'
import { MIB } from '#base/bytes.ts'
import { fault } from '#wire/aws/faults.ts'
import type { LogFile } from '#wire/agent/messages.ts'
import type { Control, Scope } from '../control.ts'
import { invalidValue } from './faults.ts'
import { requireInstance } from './find.ts'
import type { DbInstanceRecord } from './record.ts'

interface ListInput {
  readonly DBInstanceIdentifier: string
  readonly FilenameContains?: string | undefined
  /** Milliseconds since the epoch. */
  readonly FileLastWritten?: number | undefined
  readonly FileSize?: number | undefined
  readonly Filters?: Filter[] | undefined
}

export async function listLogFiles(control: Control, scope: Scope, input: ListInput): Promise<LogFile[]> {
  if (input.Filters?.length) throw invalidValue(`Unrecognized filter name: ${input.Filters[0]!.Name}`)
  const { value } = await requireInstance(control, scope, input.DBInstanceIdentifier)
  if (!value.endpointKnown) return []
  const { files } = await control.hosts.ask(value.zone, 'logs.list', { id: value.resourceId })
  return files.filter(
    (file) =>
      (input.FilenameContains === undefined || file.name.includes(input.FilenameContains)) &&
      (input.FileLastWritten === undefined || file.writtenAt >= input.FileLastWritten) &&
      (input.FileSize === undefined || file.sizeBytes >= input.FileSize),
  )
}

interface ReadInput {
  readonly DBInstanceIdentifier: string
  readonly LogFileName: string
  readonly Marker?: string | undefined
  readonly NumberOfLines?: number | undefined
}

interface Portion {
  readonly LogFileData: string
  readonly Marker: string
  readonly AdditionalDataPending: boolean
}

/** AWS: a portion is at most 1 MB. */
const PORTION_BYTES_MAX = MIB

/** AWS: NumberOfLines is between 1 and 9999. */
const LINES_MAX = 9_999

/**
 * The marker is a byte offset. `0` reads from the start; without a marker the end of the file is read, as on RDS.
 */
export async function readLogFile(control: Control, scope: Scope, input: ReadInput): Promise<Portion> {
  const { value } = await requireInstance(control, scope, input.DBInstanceIdentifier)
  if (!value.endpointKnown) throw fault(DBInstanceNotReadyFault, `DBInstance ${value.id} is not ready yet.`)
  const lines = input.NumberOfLines
  if (lines !== undefined && (!Number.isInteger(lines) || lines < 1 || lines > LINES_MAX))
    throw invalidValue(`Invalid value ${lines} for NumberOfLines: it must be between 1 and ${LINES_MAX}.`)
  return input.Marker === undefined
    ? tail(control, value, input.LogFileName, lines ?? LINES_MAX)
    : from(control, value, input, markerOffset(input.Marker))
}

function markerOffset(marker: string): number {
  if (!/^\d{1,15}$/.test(marker)) throw invalidValue(`Invalid value ${marker} for Marker.`)
  return Number(marker)
}

async function read(
  control: Control,
  record: DbInstanceRecord,
  name: string,
  offset: number,
): Promise<{ text: string; nextOffset: number; sizeBytes: number }> {
  const answer = await control.hosts.ask(record.zone, 'logs.read', {
    id: record.resourceId,
    name,
    offset,
    bytesMax: PORTION_BYTES_MAX,
  })
  if ('missing' in answer) throw fault(DBLogFileNotFoundFault, `DBLog File: ${name} is not found on the DB instance`)
  return answer
}

async function from(control: Control, record: DbInstanceRecord, input: ReadInput, offset: number): Promise<Portion> {
  const { text, nextOffset, sizeBytes } = await read(control, record, input.LogFileName, offset)
  const cut = input.NumberOfLines === undefined ? text : firstLines(text, input.NumberOfLines)
  const end = cut.length === text.length ? nextOffset : offset + Buffer.byteLength(cut)
  return { LogFileData: cut, Marker: String(end), AdditionalDataPending: end < sizeBytes }
}

async function tail(control: Control, record: DbInstanceRecord, name: string, lines: number): Promise<Portion> {
  const { sizeBytes } = await read(control, record, name, 0)
  const { text, nextOffset } = await read(control, record, name, Math.max(0, sizeBytes - PORTION_BYTES_MAX))
  const kept = text
    .split(/(?<=\n)/)
    .slice(-lines)
    .join('')
  return { LogFileData: kept, Marker: String(nextOffset), AdditionalDataPending: false }
}

const firstLines = (text: string, count: number): string =>
  text
    .split(/(?<=\n)/)
    .slice(0, count)
    .join('')
