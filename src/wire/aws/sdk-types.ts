/**
 * What the types of an `@aws-sdk/client-*` module say about a server for it. Types only: the runtime side is
 * `service.ts`. `Sdk` is always `typeof import('@aws-sdk/client-…')`.
 */
import type { CommandIO, MetadataBearer, NoUndefined } from '@smithy/types'

/** `CreateDBInstance` for every pair of exports `CreateDBInstanceCommand` and `CreateDBInstance$` (its schema). */
export type OperationName<Sdk> = {
  [K in keyof Sdk & string]: K extends `${infer N}Command` ? (`${N}$` extends keyof Sdk ? N : never) : never
}[keyof Sdk & string]

type InputAndOutput<Sdk, N extends string> = `${N}Command` extends keyof Sdk
  ? Sdk[`${N}Command`] extends abstract new (...args: never[]) => CommandIO<infer I, infer O>
    ? [I, O]
    : never
  : never

/** Input of an operation after validation: members that the model requires are there. */
export type OperationInput<Sdk, N extends string> = NoUndefined<InputAndOutput<Sdk, N>[0]>

/** What a handler of the operation returns; the reply's metadata is the door's business. */
export type OperationOutput<Sdk, N extends string> = Omit<InputAndOutput<Sdk, N>[1], keyof MetadataBearer>

/** One function per operation. Those that are left out are answered as not implemented. */
export type Handlers<Sdk, Context> = {
  readonly [N in OperationName<Sdk>]?: (
    input: OperationInput<Sdk, N>,
    context: Context,
  ) => Promise<OperationOutput<Sdk, N>> | OperationOutput<Sdk, N>
}
