/** Any thrown value as what goes on the wire. The protocols render it. */
import { AwsFault } from './faults.ts'
import type { ErrorModel, Service } from './service.ts'

export interface WireFault {
  readonly code: string
  /** Name of the modelled shape, which JSON and CBOR send; the code where no model has it. */
  readonly shape: string
  readonly message: string
  readonly status: number
  readonly culprit: 'client' | 'server'
  /** The model and the members besides the message, for a modelled fault. */
  readonly model?: ErrorModel
  readonly members?: Readonly<Record<string, unknown>>
}

/** AWS: common errors, InternalFailure. Nothing of an unexpected error's own text crosses the wire. */
const INTERNAL: WireFault = {
  code: 'InternalFailure',
  shape: 'InternalFailure',
  message: 'The request processing has failed because of an unknown error, exception or failure.',
  status: 500,
  culprit: 'server',
}

export function toWireFault(service: Service | undefined, error: unknown): WireFault {
  if (error instanceof AwsFault) return unmodelled(service, error)
  const model = error instanceof Error ? service?.errors.get(error.name) : undefined
  if (!model || !(error instanceof Error)) return INTERNAL
  const members: Record<string, unknown> = {}
  for (const member of model.schema[4]) {
    const value = (error as unknown as Record<string, unknown>)[member]
    if (!isMessage(member) && value !== undefined && value !== null) members[member] = value
  }
  const { code, shape, status, culprit } = model
  return { code, shape, status, culprit, message: error.message, model, members }
}

const isMessage = (member: string): boolean => member.toLowerCase() === 'message'

/** A code can be modelled under another shape's name: CloudWatch's `ValidationError` is ValidationException. */
function unmodelled(service: Service | undefined, { code, message, status }: AwsFault): WireFault {
  const model = service && [...service.errors.values()].find((error) => error.code === code)
  if (model) return { code, message, shape: model.shape, status: model.status, culprit: model.culprit }
  return { code, message, shape: code, status, culprit: status < 500 ? 'client' : 'server' }
}
