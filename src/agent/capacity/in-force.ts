/** What the capacity of a serverless instance means for its engine. Of others there is nothing to say. */
import { settingsAt } from '#catalog/serverless.ts'
import type { InstanceSpec } from '#wire/agent/messages.ts'
import type { InstanceRecord } from '../supervisor/record.ts'
import { withinRange } from './rules.ts'

/** What it has now, or would have with its next start. */
export const acuOf = ({ spec: { serverless }, acu }: InstanceRecord): number | undefined =>
  serverless && withinRange(acu ?? 0, serverless)

/** Settings that follow the capacity. */
export function scaledSettings(record: InstanceRecord): Readonly<Record<string, string>> {
  const { serverless, capacity } = record.spec
  return serverless ? settingsAt(acuOf(record)!, serverless.scaled, capacity.memoryBytes) : {}
}

/** The spec as the engine gets it. */
export const specInForce = (record: InstanceRecord): InstanceSpec =>
  record.spec.serverless
    ? { ...record.spec, settings: { ...record.spec.settings, ...scaledSettings(record) } }
    : record.spec
