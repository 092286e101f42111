import { fileURLToPath } from 'node:url'

/** Absolute path of the program that runs, for starting another role of it: the source, or what was built from it. */
export const MAIN_FILE = fileURLToPath(
  new URL(import.meta.url.endsWith('.ts') ? '../main.ts' : './main.js', import.meta.url),
)
