/**
 * How each service says that an input does not fit its model. Codes are documented or observed; sentences are those
 * seen in real answers where there are any (RDS: a missing parameter, numbers out of range; STS, CloudWatch: the list
 * of validation errors), else in the style of the service.
 */
import { AwsFault } from './faults.ts'
import type { Malformed } from './malformed.ts'

export interface Violation {
  readonly kind: 'missing' | 'not-allowed'
  /** In the model's names: `Tags.2.Key`. */
  readonly path: string
  /** For `not-allowed`: what was given, and what would have been taken. */
  readonly given: string
  readonly allowed: readonly string[]
}

export interface Wording {
  /** `violations` holds at least one. */
  violations(violations: readonly [Violation, ...Violation[]]): AwsFault
  malformed(malformed: Malformed): AwsFault
}

/** Names that RDS and ElastiCache have for members in their messages, where they differ from the model's. */
const ALIASES: Readonly<Record<string, string>> = { CacheClusterId: 'CacheClusterIdentifier' }

/** RDS and ElastiCache: the first complaint only. */
const database: Wording = {
  violations: ([{ kind, path, given, allowed }]) =>
    kind === 'missing'
      ? invalid(`The parameter ${ALIASES[path] ?? path} must be provided and must not be blank.`)
      : invalid(`Invalid value ${given} for ${path}. Valid values: ${allowed.join(', ')}`),
  malformed: ({ path, given, wanted }) =>
    path
      ? invalid(`Invalid value ${given} for ${path}. It must be ${wanted}.`)
      : new AwsFault('MalformedInput', `The request must be ${wanted}.`),
}

const ec2: Wording = {
  violations: ([{ kind, path, given }]) =>
    kind === 'missing'
      ? new AwsFault('MissingParameter', `The request must contain the parameter ${path}`)
      : invalid(`Value (${given}) for parameter ${path} is invalid.`),
  malformed: ({ path, given, wanted }) =>
    invalid(`Value (${given}) for parameter ${path || 'request'} is invalid. Expected ${wanted}.`),
}

const invalid = (message: string): AwsFault => new AwsFault('InvalidParameterValue', message)

/** The framework under most of AWS's JSON services, and STS and CloudWatch: all complaints in one sentence. */
function framework(code: string): Wording {
  return {
    violations(violations) {
      const heading = `${violations.length} validation error${violations.length > 1 ? 's' : ''} detected`
      return new AwsFault(code, `${heading}: ${violations.map(complaint).join('; ')}`)
    },
    malformed: ({ path, wanted }) => new AwsFault('SerializationException', `${path || 'The body'} must be ${wanted}.`),
  }
}

const complaint = ({ kind, path, given, allowed }: Violation): string =>
  kind === 'missing'
    ? `Value null at '${uncapitalised(path)}' failed to satisfy constraint: Member must not be null`
    : `Value '${given}' at '${uncapitalised(path)}' failed to satisfy constraint: ` +
      `Member must satisfy enum value set: [${allowed.join(', ')}]`

const uncapitalised = (path: string): string => path.replace(/(^|\.)[A-Z]/g, (start) => start.toLowerCase())

/** By signing name. */
const WORDINGS: Readonly<Record<string, Wording>> = {
  rds: database,
  elasticache: database,
  ec2,
  sts: framework('ValidationError'),
  monitoring: framework('ValidationError'),
  logs: framework('InvalidParameterException'),
  'rds-data': framework('BadRequestException'),
}

const OTHERS = framework('ValidationException')

export function wordingOf(signingName: string): Wording {
  return WORDINGS[signingName] ?? OTHERS
}
