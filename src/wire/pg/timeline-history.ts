/** Timeline history files: how a timeline came to be out of earlier ones. */
// PostgreSQL source: src/backend/access/transam/timeline.c.
import { lsnText, parseLsn } from './lsn.ts'

/** A timeline that another one continues from `endsAt` on. */
export interface Ancestor {
  readonly timeline: number
  readonly endsAt: bigint
}

/** The ancestors of a timeline, oldest first. Lines that are empty or comments are passed over. Throws SyntaxError. */
export function parseHistory(text: string): Ancestor[] {
  const ancestors: Ancestor[] = []
  for (const line of text.split('\n')) {
    const content = line.replace(/#.*/, '').trim()
    if (content === '') continue
    const match = /^(\d+)\s+([0-9A-Fa-f]+\/[0-9A-Fa-f]+)(\s|$)/.exec(content)
    const timeline = Number(match?.[1])
    if (!match || timeline <= (ancestors.at(-1)?.timeline ?? 0)) throw new SyntaxError(`no line of a history: ${line}`)
    ancestors.push({ timeline, endsAt: parseLsn(match[2]!) })
  }
  return ancestors
}

/** What a timeline's history file says of its ancestors, oldest first, and why each ended. */
export const historyText = (ancestors: readonly Ancestor[], reason: string): string =>
  ancestors.map(({ timeline, endsAt }) => `${timeline}\t${lsnText(endsAt)}\t${reason}\n`).join('')
