import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { DamagedPiece, decodePiece, encodePiece } from './piece.ts'

test('any facts and bytes come back as they were', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.dictionary(fc.string(), fc.jsonValue()),
      fc.uint8Array({ maxLength: 5_000 }),
      async (facts, content) => {
        const back = await decodePiece(await encodePiece(facts, content))
        assert.deepEqual(JSON.stringify(back.facts), JSON.stringify(facts))
        assert.deepEqual(back.content, Buffer.from(content))
      },
    ),
  )
})

test('any byte that is changed, and any end that is cut off, is found', async () => {
  const piece = await encodePiece({ from: 1 }, Buffer.from('some bytes that matter'))
  for (let at = 0; at < piece.length; at++) {
    const damaged = Buffer.from(piece)
    damaged[at]! ^= 1 << (at % 8)
    await assert.rejects(decodePiece(damaged), DamagedPiece, `byte ${at}`)
    await assert.rejects(decodePiece(piece.subarray(0, at)), DamagedPiece, `the first ${at} bytes`)
  }
})

test('garbage is no piece', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), (bytes) =>
      assert.rejects(decodePiece(Buffer.from(bytes)), DamagedPiece),
    ),
  )
})
