/** Versions of a secret and the stages on them. Pure. */

export interface Version {
  readonly createdAt: number
  readonly stages: readonly string[]
}

/** By version id. A stage is on one version at most. */
export type Versions = Readonly<Record<string, Version>>

export const CURRENT = 'AWSCURRENT'
export const PREVIOUS = 'AWSPREVIOUS'

export function versionWith(versions: Versions, stage: string): string | undefined {
  return Object.keys(versions).find((id) => versions[id]!.stages.includes(stage))
}

/**
 * Moves a stage to a version, or off all of them. The version that `AWSCURRENT` leaves gets `AWSPREVIOUS`.
 * AWS: PutSecretValue and UpdateSecretVersionStage.
 */
export function moveStage(versions: Versions, stage: string, to: string | undefined): Versions {
  const from = versionWith(versions, stage)
  if (from === to) return versions
  const moved = place(versions, stage, to)
  return stage === CURRENT && from !== undefined ? place(moved, PREVIOUS, from) : moved
}

/** The versions with a new one that has these stages; the first of all versions is always current. */
export function addVersion(
  versions: Versions,
  { id, createdAt, stages }: { readonly id: string; readonly createdAt: number; readonly stages: readonly string[] },
): Versions {
  const wanted = Object.keys(versions).length === 0 ? new Set([CURRENT, ...stages]) : stages
  let next: Versions = { ...versions, [id]: { createdAt, stages: [] } }
  for (const stage of wanted) next = moveStage(next, stage, id)
  return next
}

/** The oldest versions without a stage, as many as there are beyond `keep`. */
export function surplus(versions: Versions, keep: number): string[] {
  const bare = Object.keys(versions).filter((id) => versions[id]!.stages.length === 0)
  const excess = Math.max(0, Object.keys(versions).length - keep)
  return bare.toSorted((a, b) => versions[a]!.createdAt - versions[b]!.createdAt).slice(0, excess)
}

function place(versions: Versions, stage: string, to: string | undefined): Versions {
  return Object.fromEntries(
    Object.entries(versions).map(([id, version]) => {
      const others = version.stages.filter((s) => s !== stage)
      return [id, { ...version, stages: id === to ? [...others, stage] : others }]
    }),
  )
}
