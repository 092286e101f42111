/** How large an instance is: its class, or the largest capacity of one that is serverless. */
import { assert } from '#base/assert.ts'
import { instanceClass } from '#catalog/instance-classes.ts'
import { acuSize, SERVERLESS_CLASS } from '#catalog/serverless.ts'
import type { DbInstanceSettings, ServerlessScaling } from './record.ts'

type Sized = Pick<DbInstanceSettings, 'DBInstanceClass' | 'serverlessScaling'>

export const isServerless = ({ DBInstanceClass }: Sized): boolean => DBInstanceClass === SERVERLESS_CLASS

/** Undefined: it is not serverless. */
export function scalingOf(settings: Sized): ServerlessScaling | undefined {
  if (!isServerless(settings)) return undefined
  assert(settings.serverlessScaling, 'a serverless instance is in a cluster with a range of capacity')
  return settings.serverlessScaling
}

export function sizeOf(settings: Sized): { readonly memoryBytes: number; readonly vcpus: number } {
  const scaling = scalingOf(settings)
  return scaling ? acuSize(scaling.maxCapacity) : instanceClass(settings.DBInstanceClass)!
}
