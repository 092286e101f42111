import { invalidValue } from '#control/network/faults.ts'
import { zonesOf, type Zone } from '#control/network/zones.ts'
import type { Ec2Handler } from '../handler.ts'
import type { FilterFields } from './filters.ts'
import { list } from './listing.ts'

const fields: FilterFields<Zone> = {
  'opt-in-status': () => ['opt-in-not-required'],
  state: () => ['available'],
  'zone-id': (zone) => [zone.id],
  'zone-name': (zone) => [zone.name],
  'zone-type': () => ['availability-zone'],
}

export const DescribeAvailabilityZones: Ec2Handler<'DescribeAvailabilityZones'> = (input, context) => {
  const { region } = context
  const zones = zonesOf(context.control, region)
  const asked = (input.ZoneIds ?? []).map((id) => zones.find((zone) => zone.id === id)?.name ?? id)
  const { items } = list(
    zones,
    { Filters: input.Filters },
    {
      idOf: (zone) => zone.name,
      fields: { ...fields, 'region-name': () => [region], 'group-name': () => [`${region}-zg-1`] },
      ids: [...(input.ZoneNames ?? []), ...asked],
      notFound: (name) => invalidValue(`Invalid availability zone: [${name}]`),
    },
  )
  return {
    AvailabilityZones: items.map((zone) => ({
      ZoneName: zone.name,
      ZoneId: zone.id,
      RegionName: region,
      GroupName: `${region}-zg-1`,
      NetworkBorderGroup: region,
      OptInStatus: 'opt-in-not-required',
      State: 'available',
      ZoneType: 'availability-zone',
      Messages: [],
    })),
  }
}
