/** From a parameter group to what an engine is given: family defaults, the user's values, formulas evaluated. */
import { assert } from '#base/assert.ts'
import { GIB } from '#base/bytes.ts'
import { isFormula, parseFormula } from '#catalog/formula.ts'
import type { FormulaValues } from '#catalog/formula.ts'
import { FLOW_CONTROL } from '#catalog/extension-settings.ts'
import { familyParameters, TARGET_LAG } from '#catalog/rds-parameters.ts'
import type { Parameter } from '#catalog/rds-parameters.ts'
import { evaluateWithin, type ScaledSetting } from '#catalog/serverless.ts'

export interface EffectiveInput {
  /** Of the group that the values are from. */
  readonly kind?: 'cluster'
  readonly family: string
  /** The user's values, by parameter. */
  readonly values: Readonly<Record<string, string>>
  readonly classMemoryBytes: number
  readonly classVcpus: number
  readonly hostMemoryBytes: number
  readonly allocatedStorageGiB: number
  readonly port: number
  /** No more connections than this, whatever the parameter says. */
  readonly connectionsMax?: number | undefined
}

export interface EffectiveSettings {
  /** Engine parameters in the engine's own units. What belongs to the driver (port, paths, TLS files) is not among them. */
  readonly settings: Record<string, string>
  readonly requireTls: boolean
  /** Of those, the ones that can follow another size of the class while the engine runs. */
  readonly scaled: Readonly<Record<string, ScaledSetting>>
}

/**
 * What an engine of this class gets on this host. `DBInstanceClassMemory` is the memory of the class, but never more than
 * the host has: a class larger than the host would otherwise ask for buffers that cannot be mapped.
 */
export function effectiveSettings(input: EffectiveInput): EffectiveSettings {
  const parameters = familyParameters(input.family, input.kind)
  assert(parameters, `the family ${input.family} of an instance is known`)
  const variables = variablesOf(input)
  const values = new Map<string, string>()
  const scaled: Record<string, ScaledSetting> = {}
  for (const parameter of parameters.values()) {
    if (parameter.isDriverOwned) continue
    const text = input.values[parameter.name] ?? parameter.familyValue
    if (text === undefined) continue
    const formula = formulaOf(parameter, text)
    values.set(parameter.name, formula ? String(evaluateWithin(formula, variables)) : text)
    if (formula && parameter.applyType === 'dynamic') scaled[parameter.name] = formula
  }
  const { connectionsMax = Infinity } = input
  const connections = values.get('max_connections')
  if (Number(connections) > connectionsMax) values.set('max_connections', String(connectionsMax))
  // RDS turns logical decoding on by a parameter of its own, since wal_level is not the user's to set.
  if (values.get('rds.logical_replication') === '1') values.set('wal_level', 'logical')
  const libraries = librariesIn(values.get(PRELOADED))
  if (libraries.includes(FLOW_CONTROL)) values.set(PRELOADED, libraries.filter((name) => name !== FLOW_CONTROL).join())
  const settings = Object.fromEntries([...values].filter(([name]) => !/^(rds|flow_control)\./.test(name)))
  return { settings, requireTls: values.get('rds.force_ssl') === '1', scaled }
}

const PRELOADED = 'shared_preload_libraries'

const librariesIn = (list = ''): string[] => list.split(',').map((name) => name.trim())

/** How far a reader of a DB cluster may be behind before its writer is slowed down; undefined: it never is. */
export function targetLagSeconds(family: string, values: Readonly<Record<string, string>>): number | undefined {
  const parameters = familyParameters(family, 'cluster')
  const valueOfParameter = (name: string): string | undefined => values[name] ?? parameters?.get(name)?.familyValue
  return librariesIn(valueOfParameter(PRELOADED)).includes(FLOW_CONTROL)
    ? Number(valueOfParameter(TARGET_LAG))
    : undefined
}

/** How changes of these parameters take effect. Names that the family does not have are in neither list. */
export function changeKind(family: string, names: Iterable<string>): { static: string[]; dynamic: string[] } {
  const parameters = familyParameters(family)
  const known = [...names].filter((name) => parameters?.has(name))
  const isStatic = (name: string): boolean => parameters?.get(name)?.applyType === 'static'
  return { static: known.filter(isStatic), dynamic: known.filter((name) => !isStatic(name)) }
}

function variablesOf(input: EffectiveInput): FormulaValues {
  return {
    AllocatedStorage: input.allocatedStorageGiB * GIB,
    DBInstanceClassMemory: Math.min(input.classMemoryBytes, input.hostMemoryBytes),
    DBInstanceVCPU: input.classVcpus,
    EndPointPort: input.port,
  }
}

/** Undefined: the value is what it says. */
function formulaOf({ name, dataType, range }: Parameter, text: string): ScaledSetting | undefined {
  if ((dataType !== 'integer' && dataType !== 'float') || !isFormula(text)) return undefined
  assert(parseFormula(text), `the stored value of ${name} is a formula`)
  return { formula: text, min: range?.min ?? 0, max: range?.max ?? Number.MAX_SAFE_INTEGER }
}
