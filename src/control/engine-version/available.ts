import { compareVersions, majorOf, npmPostgresVersions } from '#catalog/postgres-versions.ts'
import type { EngineVersion } from '#catalog/engine-versions.ts'

/**
 * Engine versions that can run here, from old to new: those that npm has a build of, and those whose binaries the
 * machine has from elsewhere. A version that both have is taken from npm.
 */
export function availableVersions(from: { simulated: boolean; system: readonly string[] }): EngineVersion[] {
  const npm = new Set(npmPostgresVersions)
  return [...new Set([...npmPostgresVersions, ...from.system])].sort(compareVersions).map((version) => ({
    engine: 'postgres',
    version,
    major: String(majorOf(version)),
    source: from.simulated ? 'simulated' : npm.has(version) ? 'npm' : 'system',
  }))
}
