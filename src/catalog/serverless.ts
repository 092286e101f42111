/**
 * Aurora Serverless v2: capacity in ACUs, and what an instance of the class `db.serverless` has at each.
 * AWS: Aurora user guide, "How Aurora Serverless v2 works" and "Performance and scaling for Aurora Serverless v2".
 */
import { GIB } from '#base/bytes.ts'
import { evaluateFormula, parseFormula, type FormulaValues } from './formula.ts'

export const SERVERLESS_CLASS = 'db.serverless'

/** Capacity comes in halves. At zero an instance is paused; one that runs has at least half an ACU. */
export const ACU_STEP = 0.5
export const ACU_MAX = 256

/** The least that a cluster's largest capacity may be. */
export const MAX_ACU_MIN = 1

export const AUTO_PAUSE_SECONDS = { from: 300, to: 86_400, default: 300 } as const

/** With a smallest capacity of up to half an ACU, an instance takes no more connections than this, however large it may grow. */
const SMALL_ACU = 0.5
const SMALL_CONNECTIONS_MAX = 2000

/** AWS says of memory that it is "approximately" this, and of processors that they go with it: as in memory-optimized classes. */
export const ACU_MEMORY_BYTES = 2 * GIB
export const ACU_VCPUS = 0.25

export const acuSize = (acu: number): { readonly memoryBytes: number; readonly vcpus: number } => ({
  memoryBytes: acu * ACU_MEMORY_BYTES,
  vcpus: acu * ACU_VCPUS,
})

/** Undefined: as many as the formula says. */
export const connectionsMaxOf = (minAcu: number): number | undefined =>
  minAcu <= SMALL_ACU ? SMALL_CONNECTIONS_MAX : undefined

/** The first minor of each major that can pause. AWS: Aurora user guide, "Prerequisites and limitations for auto-pause". */
const PAUSES_SINCE: Readonly<Record<string, number>> = { 13: 15, 14: 12, 15: 7, 16: 3 }

export function supportsAutoPause(version: string): boolean {
  const [major, minor] = version.split('.').map(Number)
  return major! > 16 || minor! >= (PAUSES_SINCE[major!] ?? Infinity)
}

/** A setting that follows the capacity while the engine runs: its formula, and the range that its results are moved into. */
export interface ScaledSetting {
  readonly formula: string
  readonly min: number
  readonly max: number
}

/** What a formula comes to with these values. Too small a result for a tiny class becomes the least that works. */
export function evaluateWithin({ formula, min, max }: ScaledSetting, variables: FormulaValues): number {
  const parsed = parseFormula(formula)
  const value = (parsed && evaluateFormula(parsed, variables)) ?? min
  return Math.min(Math.max(value, min), max)
}

/** The values of the settings that follow the capacity, at one. Memory never counts for more than there is. */
export function settingsAt(
  acu: number,
  scaled: Readonly<Record<string, ScaledSetting>>,
  memoryBytesMax: number,
): Record<string, string> {
  const { memoryBytes, vcpus } = acuSize(acu)
  const variables: FormulaValues = {
    AllocatedStorage: 0,
    DBInstanceClassMemory: Math.min(memoryBytes, memoryBytesMax),
    DBInstanceVCPU: Math.max(1, Math.floor(vcpus)),
    EndPointPort: 0,
  }
  return Object.fromEntries(
    Object.entries(scaled).map(([name, setting]) => [name, String(evaluateWithin(setting, variables))]),
  )
}
