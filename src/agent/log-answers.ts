/** What serve asks of the host's log node and heads, and is told of it. */
import { join } from 'node:path'
import { Trouble } from '#base/trouble.ts'
import { SEED_LOG } from '#wire/agent/volume.ts'
import type { VolumeQuestions } from '#wire/agent/volume.ts'
import type { LogNodeQuestions, MemberOrder, NewMember, ObservedLogNode } from '#wire/lognode/messages.ts'
import type { Heads } from './heads.ts'
import type { ConnectedLogNode } from './log-node.ts'
import type { Volumes } from './volumes.ts'

type LogQuestions = LogNodeQuestions & Pick<VolumeQuestions, 'head.look'>

type Answers = {
  [Q in keyof LogQuestions]: (input: LogQuestions[Q]['input']) => Promise<LogQuestions[Q]['answer']>
}

interface Parts {
  /** Undefined: this host can keep no logs, and says so. */
  readonly logNode?: ConnectedLogNode | undefined
  readonly volumes: Volumes
  readonly heads: Heads
}

export function logAnswers({ logNode, volumes, heads }: Parts): Answers {
  const needed = (): ConnectedLogNode => {
    if (logNode) return logNode
    throw new Trouble('this host keeps no logs of volumes', { culprit: 'us', retryable: false })
  }
  const done = async (asked: Promise<void>): Promise<Record<never, never>> => {
    await asked
    return {}
  }
  return {
    'lognode.configure': async (terms) => done(needed().configure(terms)),
    'lognode.volume': async (terms) => done(needed().describe(terms)),
    'lognode.create': async (member) => done(needed().create(await orderOf(member, volumes))),
    'lognode.remove': async ({ volume, member }) => done(needed().remove(volume, member)),
    'lognode.prune': async ({ volume, before }) => done(needed().prune(volume, before)),
    'lognode.relay': async (terms) => done(needed().relay(terms)),
    'lognode.end-relay': async ({ volume }) => done(needed().endRelay(volume)),
    'lognode.look': async ({ volume }) => {
      // Whoever asks knows of members that are, or should be, here.
      logNode?.rouse()
      const observed = logNode?.observed()
      return observed ? { observed: volume === undefined ? observed : partOf(observed, volume) } : {}
    },
    'head.look': async ({ id }) => {
      const status = heads.statusOf(id)
      return status ? { status } : {}
    },
  }
}

function partOf(observed: ObservedLogNode, volume: string): ObservedLogNode {
  const isOurs = (one: { readonly volume: string }): boolean => one.volume === volume
  const { members, readers, relays } = observed
  return {
    ...observed,
    members: members.filter(isOurs),
    readers: readers.filter(isOurs),
    relays: relays.filter(isOurs),
  }
}

async function orderOf(wanted: NewMember, volumes: Volumes): Promise<MemberOrder> {
  const { volume, member } = wanted
  if (!('seed' in wanted)) return { volume, member, start: wanted.start, history: [] }
  const seed = (await volumes.snapshot(wanted.seed))?.seed
  if (!seed)
    throw new Trouble(`no volume begins with the snapshot ${wanted.seed}`, { culprit: 'client', retryable: false })
  const { epoch, start } = seed
  const seedPath = join(volumes.snapshotFolder(wanted.seed), SEED_LOG)
  return { volume, member, start, history: [{ epoch, start }], seedPath }
}

/** Calls `changed` when the log node has come or gone, or a member is in another state: not when one only got further. */
export function watchLogNode(logNode: ConnectedLogNode | undefined, changed: () => void): void {
  let told: string | undefined
  logNode?.onChange(() => {
    const { pid, doors, members = [] } = logNode.observed() ?? {}
    const now = JSON.stringify([pid, doors?.node, members.map(({ volume, member, state }) => [volume, member, state])])
    if (now === told) return
    told = now
    changed()
  })
}
