/** `npm run check` as tests, so that what CI runs includes it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { GATES, REPOSITORY, runGate } from '../../scripts/check.ts'

for (const gate of GATES) {
  test(`this repository passes the gate '${gate.name}'`, async () => {
    const { passed, output } = await runGate(gate, REPOSITORY)
    assert.ok(passed, output)
  })
}
