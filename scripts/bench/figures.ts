/** How what was measured is brought to one figure and shown. */

export type Row = [what: string, value: string]

export const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1]!

export const ms = (value: number, digits = 0): string => `${value.toFixed(digits)} ms`

export async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now()
  await work()
  return performance.now() - start
}
