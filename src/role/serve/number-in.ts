import { StartError } from './start-error.ts'

/** The whole number that a variable of the environment gives; `usual` where it gives none. Throws for what is none, or too small. */
export function numberIn(
  env: Readonly<Record<string, string | undefined>>,
  name: string,
  { least, usual }: { least: number; usual: number },
): number {
  const text = env[name]
  if (text === undefined || text === '') return usual
  const value = Number(text)
  if (Number.isInteger(value) && value >= least && value <= Number.MAX_SAFE_INTEGER) return value
  throw new StartError(`${name} is '${text}'.`, `Give it a whole number from ${least} on, or leave it out.`)
}
