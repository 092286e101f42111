import { fileURLToPath } from 'node:url'

/** Absolute path of what runs as Holdfast: as built for this run of tests or benches, else the sources. */
export const program = (): string =>
  process.env['HOLDFAST_PROGRAM'] ?? fileURLToPath(new URL('../../src/main.ts', import.meta.url))
