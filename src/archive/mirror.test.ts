import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LogArchive } from './log-archive.ts'
import { chainFrom } from './log-chain.ts'
import { memoryObjects } from './memory-objects.ts'
import { mirrorArchive } from './mirror.ts'

const never = new AbortController().signal
const at = (lsn: bigint): { timeline: number; lsn: bigint } => ({ timeline: 1, lsn })

test('a mirror has the whole log after each run, also when portions were joined in between, and outlives its source', async () => {
  const store = memoryObjects()
  const [source, copy] = [new LogArchive(store, 'a/1'), new LogArchive(store, 'b/1')]
  const portions = [0, 10, 25].map((start, n) => ({
    timeline: 1,
    start: BigInt(start),
    end: BigInt([10, 25, 40][n]!),
    newestUs: n,
  }))
  for (const [n, portion] of portions.entries()) {
    await source.put(portion, Buffer.alloc(Number(portion.end - portion.start), n))
    if (n < 2) await mirrorArchive(store, { from: 'a/1', to: 'b/1' }, never)
    assert.deepEqual(chainFrom(await copy.index(), at(0n)).end, at(portions[Math.min(n, 1)]!.end))
  }
  await source.join(portions)
  await source.putHistory(2, '1\t0/28\tfailover\n')
  await mirrorArchive(store, { from: 'a/1', to: 'b/1' }, never)
  const index = await copy.index()
  assert.deepEqual(
    index.portions.map(({ start, end }) => [start, end]),
    [[0n, 40n]],
  )
  assert.deepEqual(index.histories.get(2), [{ timeline: 1, endsAt: 0x28n }])
  for await (const { key } of store.list('a/')) await store.delete([key])
  assert.equal((await copy.get(index.portions[0]!)).length, 40)
  await mirrorArchive(store, { from: 'a/1', to: 'b/1' }, never)
  assert.equal((await copy.index()).portions.length, 1)
})
