import type { Filter } from '@aws-sdk/client-rds'
import { AwsFault } from '#wire/aws/faults.ts'

/** Refuses filters that the action does not have. Most actions of RDS take the member and know no filter at all. */
export function checkFilters(filters: readonly Filter[] | undefined, known: readonly string[] = []): void {
  for (const { Name } of filters ?? [])
    if (Name === undefined || !known.includes(Name))
      throw new AwsFault('InvalidParameterValue', `Unrecognized filter name: ${Name}`)
}
