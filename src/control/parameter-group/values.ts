/** The values of a parameter group: modify, reset, describe. */
import type { Parameter as GivenParameter } from '@aws-sdk/client-rds'
import { FORMULA_VARIABLES, evaluateFormula, isFormula, parseFormula } from '#catalog/formula.ts'
import type { FormulaValues } from '#catalog/formula.ts'
import { GIB } from '#base/bytes.ts'
import { allowedValues, complaintOfValue, familyParameters } from '#catalog/rds-parameters.ts'
import type { Parameter } from '#catalog/rds-parameters.ts'
import { NOTHING, together } from '#store/collection.ts'
import type { Mutation } from '#store/collection.ts'
import { rdsArn } from '../arn.ts'
import { transact } from '../control.ts'
import type { Control, Scope } from '../control.ts'
import { invalidCombination, invalidValue } from '../db-instance/faults.ts'
import { started } from '../db-instance/started.ts'
import { recordEvent } from '../event/event.ts'
import { implicitParameterGroup, parameterGroups, requireParameterGroup } from './record.ts'
import type { ApplyMethod, DeferredChange, GroupName, ParameterGroupRecord, UserValue } from './record.ts'

/** AWS: ModifyDBParameterGroup, "A maximum of 20 parameters can be modified in a single request". */
const CHANGES_MAX = 20
/** Deferred changes that are remembered for one parameter; of more, engines that run for long see a later value. */
const DEFERRED_MAX = 8

/** One change of one parameter; without a value it is reset. */
interface Change {
  readonly parameter: Parameter
  readonly value: string | undefined
  readonly applyMethod: ApplyMethod
}

export interface ValueChanges extends GroupName {
  readonly parameters: readonly GivenParameter[]
}

/** Throws InvalidParameterValue or InvalidParameterCombination for the first parameter that cannot be so. */
export async function modifyParameters(control: Control, scope: Scope, asked: ValueChanges): Promise<void> {
  if (asked.parameters.length === 0) throw invalidValue('At least one parameter must be supplied.')
  await change(control, { scope, group: asked }, (group) => readChanges(group, asked.parameters, true))
}

export async function resetParameters(control: Control, scope: Scope, asked: ValueChanges): Promise<void> {
  if (asked.parameters.length === 0) throw invalidValue('Either ResetAllParameters or Parameters must be supplied.')
  await change(control, { scope, group: asked }, (group) => readChanges(group, asked.parameters, false))
}

/** Dynamic parameters take their default at once, static ones at the next start. */
export async function resetAllParameters(control: Control, scope: Scope, name: GroupName): Promise<void> {
  await change(control, { scope, group: name }, (group) =>
    Object.keys(group.values).map((parameterName) => {
      const parameter = requireParameter(group, parameterName)
      return {
        parameter,
        value: undefined,
        applyMethod: parameter.applyType === 'static' ? 'pending-reboot' : 'immediate',
      }
    }),
  )
}

interface Target {
  readonly scope: Scope
  readonly group: GroupName
}

async function change(
  control: Control,
  { scope, group: wanted }: Target,
  read: (group: ParameterGroupRecord) => Change[],
): Promise<void> {
  const group = await requireParameterGroup(control, scope, wanted)
  if (implicitParameterGroup(group.name)) throw invalidValue('Cannot modify a default parameter group.')
  const flowId = await transact(control, async () => {
    const groups = parameterGroups(control, scope, group.kind)
    const held = await groups.get(group.name)
    const changes = read(held?.value ?? group)
    if (!held) return { mutation: NOTHING, result: undefined }
    const { kind, name } = group
    const subject = `db${kind ? `-${kind}` : ''}-parameter-group/${scope.account}/${scope.region}/${name}`
    const input = { scope: { account: scope.account, region: scope.region }, group: name, ...(kind && { kind }) }
    const flow = await control.flows.supersede('apply-db-parameter-group', subject, input)
    const value = changes.reduce((before, one) => applyChange(before, one, control.clock.now()), held.value)
    const events = changes.map((one) => changeEvent(control, { scope, group }, one))
    const mutation = together(groups.update(held, value), ...events, flow.writes)
    return { mutation, result: flow.id }
  })
  if (flowId !== undefined) await started(control, flowId)
}

function applyChange(
  group: ParameterGroupRecord,
  { parameter, value, applyMethod }: Change,
  at: number,
): ParameterGroupRecord {
  const { [parameter.name]: before, ...others } = group.values
  const after: UserValue | undefined = value === undefined ? undefined : { value, applyMethod }
  const isDeferred = parameter.applyType === 'dynamic' && applyMethod === 'pending-reboot'
  return {
    ...group,
    values: after ? { ...others, [parameter.name]: after } : others,
    deferred: isDeferred
      ? defer(group.deferred, { parameter: parameter.name, at, before: before?.value })
      : // A change that takes effect at once ends the wait of those before it.
        group.deferred.filter((change) => change.parameter !== parameter.name),
  }
}

function defer(deferred: readonly DeferredChange[], added: DeferredChange): DeferredChange[] {
  const same = deferred.filter(({ parameter }) => parameter === added.parameter)
  return [...deferred.filter((change) => change !== (same.length >= DEFERRED_MAX ? same[0] : undefined)), added]
}

function readChanges(group: ParameterGroupRecord, given: readonly GivenParameter[], withValue: boolean): Change[] {
  if (given.length > CHANGES_MAX) throw invalidValue(`At most ${CHANGES_MAX} parameters can be changed in one request.`)
  const changes = given.map((one) => readChange(group, one, withValue))
  if (new Set(changes.map(({ parameter }) => parameter.name)).size < changes.length)
    throw invalidValue('A parameter may be named only once in a request.')
  return changes
}

function readChange(group: ParameterGroupRecord, given: GivenParameter, withValue: boolean): Change {
  const parameter = requireParameter(group, required('ParameterName', given.ParameterName))
  if (!parameter.isModifiable) throw invalidValue(`The parameter ${parameter.name} cannot be modified.`)
  const applyMethod = required('ApplyMethod', given.ApplyMethod)
  if (applyMethod === 'immediate' && parameter.applyType === 'static')
    throw invalidCombination('cannot use immediate apply method for static parameter')
  if (!withValue) return { parameter, value: undefined, applyMethod }
  if (given.ParameterValue === undefined) throw missing('ParameterValue')
  checkValue(parameter, given.ParameterValue)
  return { parameter, value: given.ParameterValue, applyMethod }
}

/** A formula must have a value for an instance of any size; where that lies is the engine's to judge. */
function checkValue(parameter: Parameter, value: string): void {
  const isNumber = parameter.dataType === 'integer' || parameter.dataType === 'float'
  if (!isNumber || !isFormula(value)) {
    const complaint = complaintOfValue(parameter, value)
    if (complaint !== undefined) throw invalidValue(complaint)
    return
  }
  const formula = parseFormula(value)
  if (!formula || evaluateFormula(formula, SOME_INSTANCE) === undefined)
    throw invalidValue(
      `Invalid parameter value: ${value} for: ${parameter.name} allowed values are: ${allowedValues(parameter) ?? 'numbers'}, or a formula of ${FORMULA_VARIABLES.join(', ')}`,
    )
}

const SOME_INSTANCE: FormulaValues = {
  AllocatedStorage: 100 * GIB,
  DBInstanceClassMemory: 16 * GIB,
  DBInstanceVCPU: 4,
  EndPointPort: 5432,
}

function requireParameter({ family, kind }: ParameterGroupRecord, name: string): Parameter {
  const parameter = familyParameters(family, kind)?.get(name.toLowerCase())
  if (!parameter) throw invalidValue(`Could not find parameter with name: ${name}`)
  return parameter
}

function required<T>(member: string, value: T | undefined): T {
  if (value === undefined || value === '') throw missing(member)
  return value
}

const missing = (member: string): Error =>
  invalidValue(`The parameter ${member} must be provided and must not be blank.`)

function changeEvent(control: Control, { scope, group }: Target, { parameter, value, applyMethod }: Change): Mutation {
  return recordEvent(control, scope, {
    id: 'RDS-EVENT-0037',
    sourceType: 'db-parameter-group',
    sourceId: group.name,
    sourceArn: rdsArn(scope, group.kind ? 'cluster-pg' : 'pg', group.name),
    message: `Updated parameter ${parameter.name} to ${value ?? 'its default'} with apply method ${applyMethod}`,
  })
}
