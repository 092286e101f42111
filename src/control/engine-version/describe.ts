/** Engine versions as RDS describes them: those that can run here, and the upgrades between them. */
import type {
  DBEngineVersion,
  DescribeDBEngineVersionsMessage,
  ServerlessV2FeaturesSupport,
  UpgradeTarget,
} from '@aws-sdk/client-rds'
import type { DbEngine, EngineVersion } from '#catalog/engine-versions.ts'
import { ACU_MAX, ACU_STEP, supportsAutoPause } from '#catalog/serverless.ts'
import { familyOf } from '#catalog/families.ts'
import { upgradeTargets } from '../db-instance/upgrade.ts'
import { newestMinor } from '../maintenance/actions.ts'
import type { Control } from '../control.ts'
import { invalidValue } from '../db-instance/faults.ts'
import { resolveVersion } from '../db-instance/settings.ts'
import { everyVersion, versionsOf } from './versions-of.ts'

/** Versions that match, in no particular order. Throws InvalidParameterValue for a filter that RDS does not have. */
export function matchingVersions(control: Control, asked: DescribeDBEngineVersionsMessage): EngineVersion[] {
  const tests = (asked.Filters ?? []).map(({ Name, Values = [] }) => filterTest(Name ?? '', Values))
  const versions = everyVersion(control)
    .filter(({ engine }) => asked.Engine === undefined || asked.Engine === engine)
    .filter(({ version, major }) => asked.EngineVersion === undefined || [version, major].includes(asked.EngineVersion))
    .filter(
      ({ major, engine }) =>
        asked.DBParameterGroupFamily === undefined || asked.DBParameterGroupFamily === familyOf(major, engine),
    )
    .filter((version) => tests.every((test) => test(version)))
  if (!asked.DefaultOnly) return versions
  return versions.filter(({ engine, version }) => version === defaultVersion(control, engine, asked))
}

/** The version that an instance gets for the asked major, or for none; undefined where the major cannot run here. */
function defaultVersion(
  control: Control,
  engine: DbEngine,
  { EngineVersion, DBParameterGroupFamily }: DescribeDBEngineVersionsMessage,
): string | undefined {
  const major = versionsOf(control, engine).find(
    (known) =>
      [known.major, known.version].includes(EngineVersion ?? '') ||
      familyOf(known.major, engine) === DBParameterGroupFamily,
  )?.major
  if (major === undefined && (EngineVersion ?? DBParameterGroupFamily) !== undefined) return undefined
  return resolveVersion(control, major, engine).version
}

function filterTest(name: string, values: readonly string[]): (version: EngineVersion) => boolean {
  switch (name) {
    case 'db-parameter-group-family':
      return ({ major, engine }) => values.includes(familyOf(major, engine))
    case 'engine':
      return ({ engine }) => values.includes(engine)
    case 'engine-mode':
      return () => values.includes('provisioned')
    case 'engine-version':
      return ({ version }) => values.includes(version)
    case 'status':
      return () => values.includes('available')
    default:
      throw invalidValue(`Unrecognized filter name: ${name}`)
  }
}

/** Sorts versions as numbers: `17.9` before `17.10`. */
export function versionKey({ engine, version }: EngineVersion): string {
  return `${engine}/${version
    .split('.')
    .map((part) => part.padStart(4, '0'))
    .join('.')}`
}

const serverlessSupport = ({ version }: EngineVersion): ServerlessV2FeaturesSupport => ({
  MinCapacity: supportsAutoPause(version) ? 0 : ACU_STEP,
  MaxCapacity: ACU_MAX,
})

const DESCRIPTIONS: Readonly<Record<DbEngine, string>> = {
  postgres: 'PostgreSQL',
  'aurora-postgresql': 'Aurora PostgreSQL',
}

const descriptionOf = ({ engine, version }: EngineVersion): string =>
  engine === 'postgres' ? `PostgreSQL ${version}` : `Aurora PostgreSQL (compatible with PostgreSQL ${version})`

export function describeVersion(control: Control, version: EngineVersion): DBEngineVersion {
  return {
    Engine: version.engine,
    MajorEngineVersion: version.major,
    EngineVersion: version.version,
    DBParameterGroupFamily: familyOf(version.major, version.engine),
    DBEngineDescription: DESCRIPTIONS[version.engine],
    DBEngineVersionDescription: descriptionOf(version),
    // An Aurora cluster cannot be upgraded yet.
    ValidUpgradeTarget: version.engine === 'postgres' ? upgradesOf(control, version) : [],
    ExportableLogTypes: [],
    SupportsLogExportsToCloudwatchLogs: false,
    SupportsReadReplica: false,
    SupportedEngineModes: ['provisioned'],
    SupportedFeatureNames: [],
    Status: 'available',
    SupportsParallelQuery: false,
    SupportsGlobalDatabases: false,
    TagList: [],
    SupportsBabelfish: false,
    SupportsLimitlessDatabase: false,
    SupportsCertificateRotationWithoutRestart: true,
    SupportedCACertificateIdentifiers: [...control.authority.identifiers],
    SupportsLocalWriteForwarding: false,
    SupportsIntegrations: false,
    ...(version.engine === 'aurora-postgresql' && { ServerlessV2FeaturesSupport: serverlessSupport(version) }),
  }
}

/** Later minors of the same major. An upgrade to another major is not offered before it can be done. */
function upgradesOf(control: Control, from: EngineVersion): UpgradeTarget[] {
  const newest = newestMinor(control.versions, from.version)
  return upgradeTargets(control.versions, from.version).map((to) => ({
    Engine: to.engine,
    EngineVersion: to.version,
    Description: `PostgreSQL ${to.version}`,
    AutoUpgrade: to.version === newest,
    IsMajorVersionUpgrade: false,
    SupportedEngineModes: ['provisioned'],
    SupportsParallelQuery: false,
    SupportsGlobalDatabases: false,
    SupportsBabelfish: false,
    SupportsLimitlessDatabase: false,
    SupportsLocalWriteForwarding: false,
    SupportsIntegrations: false,
  }))
}
