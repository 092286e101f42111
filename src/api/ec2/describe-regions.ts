import { invalidValue } from '#control/network/faults.ts'
import { REGIONS } from '#control/network/zones.ts'
import type { Ec2Handler } from '../handler.ts'
import type { FilterFields } from './filters.ts'
import { list } from './listing.ts'

const fields: FilterFields<string> = {
  endpoint: (region) => [endpointOf(region)],
  'opt-in-status': () => ['opt-in-not-required'],
  'region-name': (region) => [region],
}

/** The region of the request is there too, whatever it is called. */
export const DescribeRegions: Ec2Handler<'DescribeRegions'> = (input, context) => {
  const regions = [...new Set<string>([...REGIONS, context.region])]
  const { items } = list(
    regions,
    { Filters: input.Filters },
    {
      idOf: (region) => region,
      fields,
      ids: input.RegionNames,
      notFound: (name) => invalidValue(`Invalid region name: ${name}`),
    },
  )
  return {
    Regions: items.map((region) => ({
      RegionName: region,
      Endpoint: endpointOf(region),
      OptInStatus: 'opt-in-not-required',
    })),
  }
}

/** AWS's own name; clients of Holdfast are told its endpoint. */
const endpointOf = (region: string): string => `ec2.${region}.amazonaws.com`
