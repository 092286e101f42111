/** An instance that fills up grows by itself, over a death of serve, and takes every write meanwhile. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { DescribeEventsCommand } from '@aws-sdk/client-rds'
import { connect, createInstance, describe, query } from '../support/database.ts'
import { discard, eventually, health, startHoldfast, type Holdfast } from '../support/holdfast.ts'

const UNIT_BYTES = 64 * 2 ** 20
/** Five minutes are six seconds, six hours seven minutes. */
const env = { HOLDFAST_STORAGE_UNIT_BYTES: String(UNIT_BYTES), HOLDFAST_STORAGE_SPEED: '50' }

let holdfast: Holdfast

before(async () => {
  holdfast = await startHoldfast({ env })
})
after(() => discard(holdfast))

test('an instance that fills up is scaled, and keeps accepting writes', async () => {
  const instance = await createInstance(holdfast.rds(), 'growing', { AllocatedStorage: 20, MaxAllocatedStorage: 100 })
  const client = await connect(holdfast, instance)
  const size = async (): Promise<number> => (await describe(holdfast.rds(), 'growing'))!.AllocatedStorage!
  const isScaling = async (): Promise<boolean> =>
    (await health(holdfast)).flows.some(({ subject }) => subject.endsWith('/storage'))
  try {
    await client.query('CREATE TABLE filler (t text)')
    const used = async (): Promise<number> => {
      const [row] = await query<{ bytes: string }>(
        holdfast,
        instance,
        `SELECT (SELECT sum(pg_database_size(oid)) FROM pg_database) + (SELECT sum(size) FROM pg_ls_waldir()) AS bytes`,
      )
      return Number(row!.bytes)
    }
    const write = (): Promise<unknown> =>
      client.query('INSERT INTO filler SELECT repeat(md5(n::text), 50) FROM generate_series(1, 2500) n')
    // To nine tenths, and a little more: low, and not full yet. No write is refused in all of this.
    while ((await used()) < 0.91 * 20 * UNIT_BYTES) await write()
    await eventually('low storage', async () => ((await isScaling()) ? true : undefined))
    await holdfast.kill()
    holdfast = await startHoldfast({ state: holdfast.state, env })
    await eventually('growth', async () => {
      await client.query(`INSERT INTO filler VALUES ('one more')`)
      return (await size()) > 20 ? true : undefined
    })
    assert.equal(await size(), 30)
    while ((await used()) < 22 * UNIT_BYTES) await write()
    assert.equal((await describe(holdfast.rds(), 'growing'))!.DBInstanceStatus, 'available')
  } finally {
    await client.end().catch(() => {})
  }
  const { Events } = await holdfast
    .rds()
    .send(new DescribeEventsCommand({ SourceType: 'db-instance', SourceIdentifier: 'growing', Duration: 60 }))
  const messages = Events!.map(({ Message }) => Message!).join('\n')
  for (const said of [
    /Free storage is low/,
    /Applying autoscaling-initiated modification/,
    /Finished applying autoscaling-initiated modification to allocated storage: 30 GiB/,
  ])
    assert.match(messages, said)
})
