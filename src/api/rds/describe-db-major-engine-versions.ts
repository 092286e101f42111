import type { RdsHandler } from '../handler.ts'
import { page } from '../pages.ts'

export const DescribeDBMajorEngineVersions: RdsHandler<'DescribeDBMajorEngineVersions'> = (input, { control }) => {
  const majors = new Map(control.versions.map(({ engine, major }) => [`${engine}/${major}`, { engine, major }]))
  const matching = [...majors.values()]
    .filter(({ engine }) => input.Engine === undefined || engine === input.Engine)
    .filter(({ major }) => input.MajorEngineVersion === undefined || major === input.MajorEngineVersion)
  const { items, ...more } = page(matching, {
    ...input,
    keyOf: ({ engine, major }) => `${engine}/${major.padStart(4, '0')}`,
  })
  return {
    DBMajorEngineVersions: items.map(({ engine, major }) => ({
      Engine: engine,
      MajorEngineVersion: major,
      SupportedEngineLifecycles: [],
    })),
    ...more,
  }
}
