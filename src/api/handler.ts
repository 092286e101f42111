/** What a handler of an AWS operation is given, whatever the service. */
import type { Control, Scope } from '#control/control.ts'

export interface RequestContext extends Scope {
  readonly requestId: string
  /** Undefined for an unsigned request. */
  readonly accessKeyId: string | undefined
  /** Name of the service in the credential scope, or of the one that was routed to. */
  readonly service: string
  readonly operation: string
  readonly control: Control
}
