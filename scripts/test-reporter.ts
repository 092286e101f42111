/** A reporter of node:test that writes what the test runner counts, one JSON object per line. */
import type { TestEvent } from 'node:test/reporters'

export interface TestOutcome {
  readonly name: string
  readonly outcome: 'passed' | 'failed' | 'skipped'
  /** Why it failed or was skipped. */
  readonly reason: string
  /** Where the test is, `path:line`. */
  readonly at: string
}

export default async function* report(source: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  for await (const event of source) {
    if (event.type !== 'test:pass' && event.type !== 'test:fail') continue
    const outcome = outcomeOf(event)
    if (outcome !== undefined) yield `${JSON.stringify(outcome)}\n`
  }
}

type Verdict = Extract<TestEvent, { type: 'test:pass' | 'test:fail' }>

function outcomeOf({ type, data }: Verdict): TestOutcome | undefined {
  const at = `${data.file ?? '?'}:${data.line ?? 0}`
  if (type === 'test:fail') {
    // A suite, or a test with subtests, that fails because something in it failed is told by that.
    const { error } = data.details
    if ('failureType' in error && error.failureType === 'subtestsFailed') return undefined
    return { name: data.name, outcome: 'failed', reason: reasonOf(error), at }
  }
  if (data.details.type === 'suite') return undefined
  const skip = data.skip ?? data.todo
  if (skip === undefined || skip === false) return { name: data.name, outcome: 'passed', reason: '', at }
  return { name: data.name, outcome: 'skipped', reason: typeof skip === 'string' ? skip : 'no reason given', at }
}

/** node:test wraps what a test threw; its own stack is of no use to anybody. */
function reasonOf(error: Error): string {
  const thrown = error.cause instanceof Error ? error.cause : error
  const causes: string[] = []
  for (let at = thrown.cause; at instanceof Error; at = at.cause) causes.push(`caused by: ${at.stack ?? at.message}`)
  const own = thrown.stack ?? `${thrown.name}: ${thrown.message}`
  return [own.includes(thrown.message) ? own : `${thrown.message}\n${own}`, ...causes].join('\n')
}
