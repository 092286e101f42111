/**
 * Failures that a caller of an AWS API sees. Rules throw them: the SDK's own exception classes through {@link fault}
 * wherever the service models the error, {@link AwsFault} for the codes that are in no model.
 */

/** A fault that exists on the wire but in no service's model: InvalidParameterValue, InvalidParameterCombination, … */
export class AwsFault extends Error {
  readonly code: string
  readonly status: number

  constructor(code: string, message: string, status = 400) {
    super(message)
    this.name = code
    this.code = code
    this.status = status
  }
}

interface ExceptionOptions {
  readonly message: string
  readonly $metadata: object
}

/** What an exception class takes besides its message; may be left out where nothing of it is required. */
type Members<Options> = Omit<Options, keyof ExceptionOptions>
type MembersArgument<Options> =
  object extends Members<Options> ? [members?: Members<Options>] : [members: Members<Options>]

/**
 * An exception of the SDK, to throw: `throw fault(DBInstanceNotFoundFault, 'DBInstance orders not found.')`.
 * Its wire code and HTTP status come from the model.
 */
export function fault<Exception extends Error, Options extends ExceptionOptions>(
  Class: new (options: Options) => Exception,
  message: string,
  ...[members]: MembersArgument<Options>
): Exception {
  return new Class({ ...members, message, $metadata: {} } as unknown as Options)
}
