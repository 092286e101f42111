/**
 * A cluster volume with everything real: three log nodes, a head and engines, each a process of its own. What an agent does
 * is done by the test.
 */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { eventually } from '../support/eventually.ts'
import { LiveVolume, type LiveHeadProcess } from '../support/live-volume.ts'
import { signalAll } from '../support/processes.ts'
import { openPostgresBench, type PostgresBench, type TestInstance } from '../support/postgres-bench.ts'

const VERSION = '18.4'

describe('a cluster volume', () => {
  let bench: PostgresBench
  let volume: LiveVolume
  let [a, b]: TestInstance[] = []
  let head: LiveHeadProcess

  before(async () => {
    bench = await openPostgresBench()
    volume = await LiveVolume.open(bench, VERSION)
    a = await volume.reader('a', VERSION)
    b = await volume.reader('b', VERSION)
  })
  after(async () => {
    await volume?.close()
    await bench?.close()
  })

  const countOf = async (instance: TestInstance): Promise<number> =>
    Number((await bench.sql(instance.spec, 'SELECT count(*) AS n FROM t'))[0]!['n'])
  const has = (instance: TestInstance, rows: number): Promise<true> =>
    eventually(`${rows} rows`, async () => ((await countOf(instance).catch(() => -1)) === rows ? true : undefined))

  test('a reader becomes the first writer, and the other one reads what it commits', async () => {
    ;({ writer: a, head } = await volume.lead(2, a!))
    await bench.sql(a.spec, 'CREATE TABLE t (n int)')
    await bench.sql(a.spec, 'INSERT INTO t SELECT generate_series(1, 1000)')
    await has(b!, 1_000)
  })

  test('commits wait while the head is away, and the next one of the epoch goes on', async () => {
    await head.kill()
    const session = await bench.client(a!.spec)
    let isDone = false
    const commit = session.query('INSERT INTO t VALUES (0)').then(() => (isDone = true))
    await eventually('the commit waits', async () => {
      const rows = await bench.sql(a!.spec, `SELECT FROM pg_stat_activity WHERE wait_event = 'SyncRep'`)
      return rows.length > 0 ? true : undefined
    })
    assert.equal(isDone, false)
    assert.equal(await countOf(b!), 1_000, 'no reader sees what is not durable')
    await head.start()
    await head.phase('ready')
    head.say({ type: 'attach' })
    await commit
    await session.end()
    await has(b!, 1_001)
  })

  test('a writer that dies is followed by a reader, with everything that was acknowledged', async () => {
    const session = await bench.client(a!.spec)
    let acknowledged = 0
    const traffic = (async () => {
      for (;;) {
        await session.query('INSERT INTO t VALUES ($1)', [acknowledged])
        acknowledged++
      }
    })().catch(() => {})
    await eventually('some rows', () => (acknowledged > 100 ? true : undefined))
    process.kill(a!.engine.pid, 'SIGKILL')
    await traffic
    const old = head
    ;({ writer: b, head } = await volume.lead(3, b!))
    const rows = await countOf(b)
    assert.ok(rows === 1_001 + acknowledged || rows === 1_002 + acknowledged, `${rows} of ${acknowledged}`)
    assert.equal(await old.exitCode(), 3, 'the head of the old epoch is fenced')
    await bench.sql(b.spec, 'INSERT INTO t VALUES (-1)')
    assert.equal(await countOf(b), rows + 1)
  })

  test('a log node that is killed takes no commit with it', async () => {
    const rows = await countOf(b!)
    const pid = volume.nodes.node('c').observed()!.pid!
    process.kill(pid, 'SIGKILL')
    for (let n = 0; n < 20; n++) await bench.sql(b!.spec, 'INSERT INTO t VALUES (-2)')
    assert.equal(await countOf(b!), rows + 20)
    await eventually('the next one is there', () => {
      const next = volume.nodes.node('c').observed()?.pid
      return next !== undefined && next !== pid ? true : undefined
    })
  })

  test('with three copies nothing is acknowledged and the writer is ended; a new reader leads on when they are back', async () => {
    const rows = await countOf(b!)
    const silent = (['a', 'b'] as const).map((zone) => volume.nodes.node(zone).observed()!.pid!)
    for (const pid of silent) process.kill(pid, 'SIGSTOP')
    const session = await bench.client(b!.spec)
    let isDone = false
    session.query('INSERT INTO t VALUES (-3)').then(
      () => (isDone = true),
      () => {},
    )
    assert.equal(await head.exitCode(), 3)
    assert.equal(isDone, false)
    process.kill(b!.engine.pid, 'SIGKILL')
    signalAll(silent, 'SIGCONT')
    const c = await volume.reader('c', VERSION)
    await has(c, rows)
    const { writer } = await volume.lead(4, c)
    assert.ok([rows, rows + 1].includes(await countOf(writer)))
    await bench.sql(writer.spec, 'INSERT INTO t VALUES (-4)')
  })
})
