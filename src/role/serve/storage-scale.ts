import { MIB } from '#base/bytes.ts'
import { REAL_SCALE, type StorageScale } from '#control/storage/scale.ts'
import { numberIn } from './number-in.ts'

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
