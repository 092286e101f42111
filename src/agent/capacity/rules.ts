/**
 * How much capacity a serverless instance should have by its load. Pure.
 *
 *     up:    at the next look, to what the load asks for, but to no more than double, or one ACU more
 *     down:  when the load has asked for less at every look for a minute, by a tenth at each look, or half an ACU
 *
 * AWS says that capacity grows as soon as one of processor, memory and network is short, faster where there is more of it
 * already, and shrinks slower than it grew. The figures are ours.
 */
import { MINUTE_MS } from '#base/durations.ts'
import { ACU_MEMORY_BYTES, ACU_STEP, ACU_VCPUS } from '#catalog/serverless.ts'

export interface Load {
  /** Processors that were busy since the last look; undefined: not known. */
  readonly vcpus: number | undefined
  /** Memory of its processes of their own: buffers that all share are of a fixed size, and say nothing of the load. */
  readonly memoryBytes: number | undefined
  readonly connections: number | undefined
}

export interface Range {
  readonly minAcu: number
  readonly maxAcu: number
}

export interface CapacityState {
  readonly acu: number
  /** Since when every look asked for less; monotonic. */
  readonly calmSinceMs: number | undefined
}

/** Parts of what a capacity has that the load may take before it should grow. */
const CPU_SHARE = 0.7
const MEMORY_SHARE = 0.8

/** RDS lets in one connection for so much memory (max_connections of every family). */
const BYTES_PER_CONNECTION = 9_531_392

const CALM_MS = MINUTE_MS
const GROWTH_MAX = 2
const SHRINKAGE = 0.1

const upToStep = (acu: number): number => Math.ceil(acu / ACU_STEP - 1e-9) * ACU_STEP
const downToStep = (acu: number): number => Math.floor(acu / ACU_STEP) * ACU_STEP

/** The least capacity for which none of these is short. */
export function demandOf({ vcpus = 0, memoryBytes = 0, connections = 0 }: Load): number {
  return Math.max(
    vcpus / (ACU_VCPUS * CPU_SHARE),
    memoryBytes / (ACU_MEMORY_BYTES * MEMORY_SHARE),
    (connections * BYTES_PER_CONNECTION) / ACU_MEMORY_BYTES,
  )
}

/** An engine that runs has at least a step. */
export const withinRange = (acu: number, { minAcu, maxAcu }: Range): number =>
  Math.min(Math.max(upToStep(acu), minAcu, ACU_STEP), maxAcu)

/** `floorAcu`: what the writer has that this reader goes with. */
export function nextCapacity(
  { acu, calmSinceMs }: CapacityState,
  load: Load,
  { nowMs, floorAcu = 0, ...range }: Range & { readonly nowMs: number; readonly floorAcu?: number | undefined },
): CapacityState {
  const now = withinRange(acu, range)
  const wanted = withinRange(Math.max(demandOf(load), floorAcu), range)
  if (wanted > now) {
    const most = withinRange(Math.max(now * GROWTH_MAX, now + 1, floorAcu), range)
    return { acu: Math.min(wanted, most), calmSinceMs: undefined }
  }
  if (wanted === now) return { acu: now, calmSinceMs: undefined }
  const since = calmSinceMs ?? nowMs
  if (nowMs - since < CALM_MS) return { acu: now, calmSinceMs: since }
  const less = now - Math.max(ACU_STEP, downToStep(now * SHRINKAGE))
  return { acu: Math.max(wanted, less), calmSinceMs: since }
}
