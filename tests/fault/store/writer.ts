/** Commits until it is killed, and says so line by line: `node writer.ts FILE` prints the number of each commit. */
import { writeSync } from 'node:fs'
import { systemClock } from '#host/clock.ts'
import { openSqliteStore } from '#store/sqlite-store.ts'

const store = openSqliteStore(process.argv[2]!, systemClock)
const from = (await store.range('n/')).entries.length
for (let n = from; ; n++) {
  const key = `n/${String(n).padStart(8, '0')}`
  // The counter and the record must never be apart.
  const ops = [
    { op: 'put', key, value: 'v'.repeat(n % 5_000) },
    { op: 'put', key: 'count', value: String(n + 1) },
  ] as const
  await store.commit([{ key, modRevision: 0 }], ops)
  writeSync(1, `${n}\n`)
}
