import { AURORA_MAJORS } from '#catalog/families.ts'
import type { DbEngine, EngineVersion } from '#catalog/engine-versions.ts'
import { hasAurora } from '../capabilities.ts'
import type { Control } from '../control.ts'

type Knowing = Pick<Control, 'versions' | 'simulated' | 'auroraPreview'>

/**
 * Versions of an engine that can run here, from old to new. Aurora PostgreSQL N.M runs PostgreSQL N.M: its numbers say with
 * which PostgreSQL it is compatible, and here it is that one.
 */
export function versionsOf({ versions }: Pick<Control, 'versions'>, engine: DbEngine): readonly EngineVersion[] {
  if (engine === 'postgres') return versions
  return versions
    .filter(({ major }) => AURORA_MAJORS.some((known) => known === major))
    .map((one) => ({ ...one, engine }))
}

/** Of every engine that there is here. */
export const everyVersion = (control: Knowing): readonly EngineVersion[] =>
  hasAurora(control) ? [...control.versions, ...versionsOf(control, 'aurora-postgresql')] : control.versions
