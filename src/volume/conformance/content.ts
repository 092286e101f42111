import assert from 'node:assert/strict'

/** `read` is what is expected. Of zeros at the end, which may be many, a driver may leave some off where nobody wrote any. */
export function assertContent(read: Buffer, expected: Buffer): void {
  assert.ok(read.length <= expected.length, `${read.length} bytes of ${expected.length}`)
  assert.deepEqual(read, expected.subarray(0, read.length))
  assert.ok(
    expected.subarray(read.length).every((byte) => byte === 0),
    `only ${read.length} bytes of ${expected.length}`,
  )
}
