/** Whom security groups let in to a port: the rules of all of them together, as blocks of addresses. */
import type { Control, Scope } from '../control.ts'
import { securityGroupRecords, type SecurityGroupRecord, type SecurityRule } from './record.ts'

/**
 * Members of a group, as far as there are any here: clients on this machine. A rule that lets a group in, such as the
 * default group's on itself, lets them in.
 */
const THIS_MACHINE = ['127.0.0.0/8', '::1/128'] as const

/** In order and without repetition, so that equal rules give equal lists. None: nobody is let in. */
export function sourcesOf(groups: readonly Pick<SecurityGroupRecord, 'rules'>[], port: number): string[] {
  const blocks = groups.flatMap(({ rules }) => rules.filter((rule) => concerns(rule, port)).flatMap(blocksOf))
  return [...new Set(blocks)].sort()
}

/** The same for groups by id. One that is no more lets nobody in. */
export async function allowedSources(
  control: Pick<Control, 'store'>,
  scope: Scope,
  groupIds: readonly string[],
  port: number,
): Promise<string[]> {
  const records = securityGroupRecords(control, scope)
  const groups = await Promise.all(groupIds.map((id) => records.get(id)))
  return sourcesOf(
    groups.flatMap((held) => (held ? [held.value] : [])),
    port,
  )
}

function concerns({ isEgress, protocol, fromPort, toPort }: SecurityRule, port: number): boolean {
  if (isEgress) return false
  return protocol === '-1' || (protocol === 'tcp' && fromPort <= port && port <= toPort)
}

function blocksOf({ peer }: SecurityRule): readonly string[] {
  switch (peer.kind) {
    case 'ipv4':
    case 'ipv6':
      return [peer.value]
    case 'group':
      return THIS_MACHINE
    case 'prefix-list':
      // There are none here whose entries could be looked up.
      return []
  }
}
