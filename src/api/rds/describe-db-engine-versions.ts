import { describeVersion, matchingVersions, versionKey } from '#control/engine-version/describe.ts'
import type { RdsHandler } from '../handler.ts'
import { page } from '../pages.ts'

export const DescribeDBEngineVersions: RdsHandler<'DescribeDBEngineVersions'> = (input, { control }) => {
  const { items, ...more } = page(matchingVersions(control, input), { ...input, keyOf: versionKey })
  return { DBEngineVersions: items.map((version) => describeVersion(control, version)), ...more }
}
