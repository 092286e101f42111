/** Wrong requests, one a row, and the proof that each got the right answer and changed nothing. */
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { sendForm, sendGoodForm, type Members } from './form.ts'
import { discard, startHoldfast } from './holdfast.ts'

/** What is wrong, the members that make it so, the code of the answer, and what its message says. */
export type Row = readonly [what: string, members: Members, code: string, says?: RegExp]

/** In the place of a member's value: the member is left out. */
export const NONE = '(none)'

interface Refusals {
  /** Sends a request that must succeed; gives the answer's body. */
  make(action: string, members: Members): Promise<string>
  /** A test for each row: `base` with the row's members. */
  rows(action: string, base: Members, cases: readonly Row[]): void
}

interface RefusalOptions {
  /** Operations that show all that a wrong request could have changed. */
  readonly views: readonly string[]
  /** HTTP status of codes that have another than 400. */
  readonly status: Readonly<Record<string, number>>
}

/** What an answer has of its own, and what moves with time. */
const PASSING = /<(RequestId|LatestRestorableTime)>[^<]*<\/\1>/g

/** One Holdfast with simulated engines for all tests of the file. */
export async function refusals({ views, status }: RefusalOptions): Promise<Refusals> {
  const holdfast = await startHoldfast({ engines: 'simulated' })
  after(() => discard(holdfast))

  const make = (action: string, members: Members): Promise<string> => sendGoodForm(holdfast, action, members)
  const world = async (): Promise<string[]> =>
    (await Promise.all(views.map((view) => make(view, {})))).map((body) => body.replaceAll(PASSING, ''))

  const rows: Refusals['rows'] = (action, base, cases) => {
    for (const [what, members, code, says] of cases)
      void test(`${action}, ${what}: ${code}`, async () => {
        const sent = Object.entries({ ...base, ...members }).filter(([, value]) => value !== NONE)
        const before = await world()
        const answer = await sendForm(holdfast, action, Object.fromEntries(sent) as Members)
        assert.deepEqual([answer.code, answer.status], [code, status[code] ?? 400], answer.body)
        assert.match(answer.message, says ?? /\w+ \w+/)
        assert.deepEqual(await world(), before)
      })
  }
  return { make, rows }
}
