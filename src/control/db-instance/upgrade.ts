import type { ModifyDBInstanceMessage } from '@aws-sdk/client-rds'
import type { EngineVersion } from '#catalog/engine-versions.ts'
import type { Control } from '../control.ts'
import { invalidCombination } from './faults.ts'
import type { DbInstanceRecord } from './record.ts'
import { majorOf } from './spec.ts'

/**
 * The exact version that a ModifyDBInstance asks for. Only later minors of the same major can be had: a major upgrade
 * needs pg_upgrade, which the engine's packages do not have.
 */
export function checkUpgrade(
  control: Pick<Control, 'versions'>,
  record: DbInstanceRecord,
  asked: Pick<ModifyDBInstanceMessage, 'EngineVersion' | 'AllowMajorVersionUpgrade'>,
): string {
  const current = record.settings.EngineVersion
  const wanted = asked.EngineVersion!
  if (wanted === majorOf(current)) return current
  const target = control.versions.find((v) => v.version === wanted)
  if (!target)
    throw invalidCombination(`Cannot upgrade postgres from ${current} to ${wanted}: ${laterMinors(control, current)}`)
  if (target.major !== majorOf(current))
    throw invalidCombination(
      `Cannot upgrade postgres from ${current} to ${wanted}: major version upgrades are not available. ${laterMinors(control, current)}`,
    )
  if (minorOf(wanted) < minorOf(current))
    throw invalidCombination(
      `Cannot upgrade postgres from ${current} to ${wanted}: a version cannot go back. ${laterMinors(control, current)}`,
    )
  return wanted
}

const minorOf = (version: string): number => Number(version.split('.')[1])

function laterMinors(control: Pick<Control, 'versions'>, current: string): string {
  const later = upgradeTargets(control.versions, current).map((v) => v.version)
  return later.length > 0 ? `Valid targets: ${later.join(', ')}` : 'There is no valid target.'
}

/** Later minors of the same major. */
export const upgradeTargets = (versions: readonly EngineVersion[], current: string): EngineVersion[] =>
  versions.filter((v) => v.major === majorOf(current) && minorOf(v.version) > minorOf(current))
