import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { systemClock } from '#host/clock.ts'
import { makeFolder, readText } from '#host/disk.ts'
import { spawnDetached } from '#host/process.ts'
import { MAIN_FILE } from '../../main-file.ts'
import type { ServeOptions } from '../../serve.ts'
import { StartError } from '../../serve/start-error.ts'
import { CliError, EXIT } from '../cli-error.ts'
import { textOption } from '../command.ts'
import type { CliCall, CliCommand } from '../command.ts'
import { health } from '../holdfast-api.ts'
import { START_LOOK_MS, START_MS_MAX } from '../limits.ts'

export const start: CliCommand = {
  name: 'start',
  summary: 'Start Holdfast; Ctrl-C stops it in order',
  args: [],
  options: [
    { flags: '--port <number>', summary: 'port of the API', env: 'HOLDFAST_PORT', default: '4566' },
    {
      flags: '--state <folder>',
      summary: 'where everything is kept',
      env: 'HOLDFAST_STATE',
      default: defaultState(),
      defaultText: '~/.holdfast, for root /var/lib/holdfast',
    },
    {
      flags: '--engines <kind>',
      summary: 'real databases, or an API that acts as if it had some',
      env: 'HOLDFAST_ENGINES',
      default: 'real',
      choices: ['real', 'simulated'],
    },
    {
      flags: '--host <address>',
      summary: 'address to listen on; beyond loopback access keys are required',
      env: 'HOLDFAST_HOST',
      default: '127.0.0.1',
    },
    { flags: '--access-keys <file>', summary: 'JSON file with access keys; all requests must then be signed with one' },
    { flags: '--detach', summary: 'return when it is ready and leave it running' },
  ],
  hasTarget: false,
  examples: [
    'holdfast start',
    'holdfast start --port 4600 --state ./state',
    'holdfast start --engines simulated --detach',
  ],
  run: async (call) => {
    const options = serveOptions(call)
    if (call.options['detach'] === true) return detach(call, options)
    const { runServe } = await import('../../serve.ts')
    try {
      await runServe(options)
    } catch (error) {
      throw error instanceof StartError ? new CliError(error.message, { next: error.remedy }) : error
    }
  },
}

function defaultState(): string {
  // Engines of root run under an account of their own, which cannot enter root's home.
  return process.getuid?.() === 0 ? '/var/lib/holdfast' : join(homedir(), '.holdfast')
}

function serveOptions(call: CliCall): ServeOptions {
  const portText = textOption(call, 'port') ?? ''
  const port = Number(portText)
  if (!/^\d+$/.test(portText) || port > 65_535) {
    throw new CliError(`'${portText}' is no port: it is a number from 0 to 65535.`, { status: EXIT.usage })
  }
  const keys = textOption(call, 'accessKeys')
  return {
    port,
    state: resolve(textOption(call, 'state')!),
    engines: textOption(call, 'engines') === 'simulated' ? 'simulated' : 'real',
    host: textOption(call, 'host')!,
    accessKeysFile: keys === undefined ? undefined : resolve(keys),
  }
}

async function detach(call: CliCall, options: ServeOptions): Promise<void> {
  if (options.port === 0) throw new CliError('--detach needs a port of its own.', { status: EXIT.usage })
  await makeFolder(options.state)
  const outputPath = join(options.state, 'serve.log')
  const args = [
    '--port',
    String(options.port),
    '--state',
    options.state,
    '--engines',
    options.engines,
    '--host',
    options.host,
  ]
  if (options.accessKeysFile !== undefined) args.push('--access-keys', options.accessKeysFile)
  const env = Object.fromEntries(
    Object.entries(call.env).filter((pair): pair is [string, string] => pair[1] !== undefined),
  )
  const child = await spawnDetached(process.execPath, [MAIN_FILE, 'start', ...args], { env, outputPath })
  const anywhere = options.host === '0.0.0.0' || options.host === '::'
  const host = anywhere ? '127.0.0.1' : options.host.includes(':') ? `[${options.host}]` : options.host
  const endpoint = `http://${host}:${options.port}`
  await untilReady({ call, child, endpoint, outputPath })
  const { pid } = child
  call.output.result({ endpoint, pid, log: outputPath }, () => `Ready: ${endpoint}, pid ${pid}, log ${outputPath}`)
}

interface Starting {
  readonly call: CliCall
  readonly child: { readonly pid: number; readonly exited: Promise<unknown> }
  readonly endpoint: string
  readonly outputPath: string
}

async function untilReady({ call, child, endpoint, outputPath }: Starting): Promise<void> {
  let gone = false
  void child.exited.then(() => (gone = true))
  const until = systemClock.monotonic() + START_MS_MAX
  // Another Holdfast may answer on that port; ours is the one with our child's pid.
  for (;;) {
    const answer = await health({ ...call.target, endpoint }).catch(() => undefined)
    if (answer?.pid === child.pid) return
    if (gone) throw new CliError('Holdfast ended before it was ready.', { why: await lastWords(outputPath) })
    if (systemClock.monotonic() > until) {
      throw new CliError(`Holdfast is not ready after ${START_MS_MAX / 1000} s, and goes on trying.`, {
        why: `see ${outputPath}`,
        next: `holdfast status --endpoint ${endpoint}`,
      })
    }
    await systemClock.sleep(START_LOOK_MS)
  }
}

/** The end of the log: what went wrong, and what to do about it, stand there in three lines at most. */
async function lastWords(outputPath: string): Promise<string> {
  const lines = ((await readText(outputPath)) ?? '').trimEnd().split('\n').slice(-3)
  return [`the end of ${outputPath} is`, ...lines].join('\n')
}
