/** Parameters as DescribeDBParameters and DescribeEngineDefaultParameters show them. */
import type { Filter, Parameter as DescribedParameter } from '@aws-sdk/client-rds'
import { allowedValues, familyParameters } from '#catalog/rds-parameters.ts'
import type { Parameter } from '#catalog/rds-parameters.ts'
import { invalidValue } from '../db-instance/faults.ts'
import type { ParameterGroupRecord } from './record.ts'

const SOURCES = ['engine-default', 'system', 'user'] as const
type Source = (typeof SOURCES)[number]

export interface ParameterQuery {
  readonly source?: string | undefined
  readonly filters?: readonly Filter[] | undefined
}

/** In the order of names. Throws InvalidParameterValue for a source or filter that RDS does not have. */
export function describeParameters(
  group: Pick<ParameterGroupRecord, 'kind' | 'family' | 'values'>,
  query: ParameterQuery,
): DescribedParameter[] {
  const parameters = familyParameters(group.family, group.kind)
  if (!parameters) throw invalidValue(`Invalid parameter group family: ${group.family}`)
  if (query.source !== undefined && !SOURCES.some((source) => source === query.source))
    throw invalidValue(`Invalid value ${query.source} for Source. Valid values are ${SOURCES.join(', ')}.`)
  const names = namesOf(query.filters ?? [])
  return [...parameters.values()]
    .filter(({ name }) => !names || names.has(name))
    .map((parameter) => describe(parameter, group.values))
    .filter(({ Source }) => query.source === undefined || Source === query.source)
}

/** Undefined when all are asked for. */
function namesOf(filters: readonly Filter[]): ReadonlySet<string> | undefined {
  const sets = filters.map(({ Name, Values = [] }) => {
    if (Name !== 'parameter-name') throw invalidValue(`Unrecognized filter name: ${Name}`)
    return new Set(Values.map((value) => value.toLowerCase()))
  })
  return sets.length === 0 ? undefined : sets.reduce((a, b) => a.intersection(b))
}

function describe(parameter: Parameter, values: ParameterGroupRecord['values']): DescribedParameter {
  const user = Object.hasOwn(values, parameter.name) ? values[parameter.name] : undefined
  const source: Source = user ? 'user' : parameter.familyValue === undefined ? 'engine-default' : 'system'
  return {
    ParameterName: parameter.name,
    ParameterValue: user?.value ?? parameter.familyValue,
    Description: parameter.description,
    Source: source,
    ApplyType: parameter.applyType,
    DataType: parameter.dataType,
    AllowedValues: allowedValues(parameter),
    IsModifiable: parameter.isModifiable,
    ApplyMethod: user?.applyMethod ?? 'pending-reboot',
  }
}
