import type { Control } from '../control.ts'
import { membersOf } from '../volume/configuration.ts'
import { stopArchiving } from '../volume/archived.ts'
import type { VolumeRecord } from '../volume/record.ts'

/** Nobody archives a volume any more that is nobody's, and every log node has removed its copies, when this resolves. May run twice. */
export async function withdrawCopies({ hosts }: Pick<Control, 'hosts'>, volume: VolumeRecord): Promise<void> {
  await stopArchiving({ hosts }, volume)
  const relaying = new Set([...(volume.relay ? [volume.relay.zone] : []), ...(volume.relaysToEnd ?? [])])
  for (const zone of relaying) await hosts.ask(zone, 'lognode.end-relay', { volume: volume.id })
  for (const { id: member, zone } of membersOf(volume.configuration))
    await hosts.ask(zone, 'lognode.remove', { volume: volume.id, member })
}
