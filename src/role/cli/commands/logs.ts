import type { DescribeDBLogFilesDetails } from '@aws-sdk/client-rds'
import { systemClock } from '#host/clock.ts'
import { CliError, EXIT } from '../cli-error.ts'
import { textOption } from '../command.ts'
import type { CliCommand } from '../command.ts'
import { FOLLOW_MS, LOG_LINES, LOG_LINES_MAX } from '../limits.ts'
import { withRds } from '../rds-api.ts'
import type { Target } from '../target.ts'

export const logs: CliCommand = {
  name: 'logs',
  summary: "Print the end of a DB instance's log",
  args: [{ notation: '<name>', summary: 'identifier of the DB instance' }],
  options: [
    { flags: '--lines <number>', summary: 'lines to begin with', default: LOG_LINES },
    { flags: '--follow', summary: 'go on with what is written from now on' },
  ],
  hasTarget: true,
  examples: ['holdfast logs mydb --lines 20', 'holdfast logs mydb --follow'],
  run: async (call) => {
    const lines = lineCount(textOption(call, 'lines') ?? LOG_LINES)
    const name = call.args[0]!
    const file = await newestLog(call.target, name)
    if (file === undefined) throw new CliError(`'${name}' has written no log yet.`)
    let portion = await download(call.target, { name, file, lines })
    if (call.options['follow'] !== true) {
      const value = { dbInstance: name, logFile: file, text: portion.text }
      return call.output.result(value, () => portion.text.trimEnd())
    }
    let at: Place = { name, file }
    for (;;) {
      call.output.stream(portion.text)
      at = { ...at, marker: portion.marker }
      // A day's last lines are read before the next file is begun.
      if (!portion.hasMore && portion.text === '') at = await nextFile(call.target, at)
      if (!portion.hasMore) await systemClock.sleep(FOLLOW_MS)
      portion = await download(call.target, at)
    }
  },
}

interface Place {
  readonly name: string
  readonly file: string
  /** Where the last portion ended. Without it: from the beginning, or the last `lines`. */
  readonly marker?: string | undefined
  readonly lines?: number
}

interface Portion {
  readonly text: string
  readonly marker: string | undefined
  readonly hasMore: boolean
}

function lineCount(text: string): number {
  const lines = Number(text)
  if (Number.isInteger(lines) && lines > 0 && lines <= LOG_LINES_MAX) return lines
  throw new CliError(`--lines takes a number from 1 to ${LOG_LINES_MAX}, not '${text}'.`, { status: EXIT.usage })
}

function download(target: Target, { name, file, marker, lines }: Place): Promise<Portion> {
  return withRds(target, async (client, { DownloadDBLogFilePortionCommand }) => {
    const answer = await client.send(
      new DownloadDBLogFilePortionCommand({
        DBInstanceIdentifier: name,
        LogFileName: file,
        // AWS: without a marker the last lines come; marker 0 is the beginning of the file.
        ...(lines === undefined ? { Marker: marker ?? '0' } : { NumberOfLines: lines }),
      }),
    )
    const { LogFileData: text = '', Marker, AdditionalDataPending: hasMore = false } = answer
    // The last lines of a file are all that there is, whatever came before them.
    return { text, marker: Marker ?? marker, hasMore: hasMore && lines === undefined }
  })
}

/** The file that was begun after this one, from its beginning; this one again while there is none. */
async function nextFile(target: Target, at: Place): Promise<Place> {
  const newest = await newestLog(target, at.name)
  return newest === undefined || newest === at.file ? at : { name: at.name, file: newest }
}

function newestLog(target: Target, name: string): Promise<string | undefined> {
  return withRds(target, async (client, { DescribeDBLogFilesCommand }) => {
    const answer = await client.send(new DescribeDBLogFilesCommand({ DBInstanceIdentifier: name }))
    const newest = (answer.DescribeDBLogFiles ?? []).toSorted(byLastWritten).at(-1)
    return newest?.LogFileName
  })
}

function byLastWritten(a: DescribeDBLogFilesDetails, b: DescribeDBLogFilesDetails): number {
  const order = (a.LastWritten ?? 0) - (b.LastWritten ?? 0)
  // Names hold the hour, so the later of two that were written at once is the later name.
  return order || (a.LogFileName ?? '').localeCompare(b.LogFileName ?? '')
}
