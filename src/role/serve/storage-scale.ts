import { MIB } from '#base/bytes.ts'
import { REAL_SCALE, type StorageScale } from '#control/storage/scale.ts'
import { StartError } from './start-error.ts'

/** A data volume of a fresh instance takes some 40 MiB; twenty units are the least that can be allocated. */
const UNIT_BYTES_MIN = 16 * MIB

/**
 * `HOLDFAST_STORAGE_UNIT_BYTES`: what one GiB of allocated storage stands for. `HOLDFAST_STORAGE_SPEED`: how much faster
 * than they are the minutes and hours of storage rules pass. For seeing in minutes how an instance fills up and grows.
 */
export function storageScale(env: Readonly<Record<string, string | undefined>>): StorageScale {
  return {
    unitBytes: numberIn(env, 'HOLDFAST_STORAGE_UNIT_BYTES', { least: UNIT_BYTES_MIN, usual: REAL_SCALE.unitBytes }),
    speed: numberIn(env, 'HOLDFAST_STORAGE_SPEED', { least: 1, usual: REAL_SCALE.speed }),
  }
}

function numberIn(
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
