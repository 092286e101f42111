import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { trustExtensions } from './extensions.ts'

const root = mkdtempSync(join(tmpdir(), 'holdfast-extensions-'))
after(() => rmSync(root, { recursive: true, force: true }))

function folderWith(name: string, files: Record<string, string>): string {
  const folder = join(root, name)
  mkdirSync(folder)
  for (const [file, text] of Object.entries(files)) writeFileSync(join(folder, file), text)
  return folder
}

const files = {
  'dblink.control': `comment = 'x'\ntrusted = false\n`,
  'file_fdw.control': `comment = 'x'\n`,
  'postgres_fdw--1.0.sql': 'CREATE FOREIGN DATA WRAPPER postgres_fdw;',
  'postgres_fdw--1.0--1.1.sql': 'CREATE FUNCTION f;',
  'pg_stat_statements--1.4.sql': 'CREATE FUNCTION pg_stat_statements_reset;',
}

test('extensions of RDS are trusted and others stay as they are', async () => {
  const folder = folderWith('18', files)
  await trustExtensions(folder, '18.4')
  const read = (name: string): string => readFileSync(join(folder, name), 'utf8')
  assert.equal(read('dblink.control'), `comment = 'x'\ntrusted = true\n`)
  assert.equal(read('file_fdw.control'), files['file_fdw.control'])
  assert.match(
    read('postgres_fdw--1.0.sql'),
    /^CREATE FOREIGN.*;\nGRANT USAGE ON FOREIGN DATA WRAPPER postgres_fdw TO rds_superuser/,
  )
  assert.equal(read('postgres_fdw--1.0--1.1.sql'), files['postgres_fdw--1.0--1.1.sql'])
  assert.match(read('pg_stat_statements--1.4.sql'), /GRANT EXECUTE ON FUNCTION %s TO rds_superuser/)
})

test('PostgreSQL 12, which does not know trust, keeps its files', async () => {
  const folder = folderWith('12', files)
  await trustExtensions(folder, '12.22')
  for (const [name, text] of Object.entries(files)) assert.equal(readFileSync(join(folder, name), 'utf8'), text)
})
