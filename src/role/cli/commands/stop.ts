import { systemClock } from '#host/clock.ts'
import { CliError } from '../cli-error.ts'
import type { CliCommand } from '../command.ts'
import { answers, stop as askStop } from '../holdfast-api.ts'
import { STOP_LOOK_MS, STOP_MS_MAX } from '../limits.ts'
import type { Target } from '../target.ts'

export const stop: CliCommand = {
  name: 'stop',
  summary: 'Stop a running Holdfast and its databases, in order',
  args: [],
  options: [{ flags: '--keep-engines', summary: 'leave the databases running: the next start takes them over' }],
  hasTarget: true,
  examples: ['holdfast stop', 'holdfast stop --keep-engines'],
  run: async ({ target, options, output }) => {
    const engines = options['keepEngines'] === true ? 'keep' : 'stop'
    await askStop(target, engines)
    await untilSilent(target)
    output.result({ endpoint: target.endpoint, stopped: true, engines }, () =>
      engines === 'keep'
        ? 'Holdfast has stopped. Its databases go on running.'
        : 'Holdfast and its databases have stopped.',
    )
  },
}

async function untilSilent(target: Target): Promise<void> {
  const until = systemClock.monotonic() + STOP_MS_MAX
  while (await answers(target)) {
    if (systemClock.monotonic() > until) {
      throw new CliError(
        `Holdfast still answers at ${target.endpoint}, ${STOP_MS_MAX / 1000} s after it was told to stop.`,
        {
          why: 'a database may be slow to write what it has in memory',
          next: 'holdfast status',
        },
      )
    }
    await systemClock.sleep(STOP_LOOK_MS)
  }
}
