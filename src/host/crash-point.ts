/**
 * Where the fault walk kills this process: `HOLDFAST_CRASH_AT=agent:instance.create.accepted` ends it, as by kill -9,
 * when it first comes to the point of that name. Of several points, with commas between, the first is meant: the others
 * are for the processes that are started in its stead. Nothing happens in a process without the variable.
 */
const crashAt = process.env['HOLDFAST_CRASH_AT']?.split(',', 1)[0]

export function crashPoint(name: string): void {
  if (name !== crashAt) return
  process.kill(process.pid, 'SIGKILL')
  // The signal is handled on the way out of the system call, so nothing after this line is ever reached.
  throw new Error(`crash point ${name} was outlived`)
}
