/**
 * Every gate of `npm run check` sees the violation that is sown for it, and none in a clean project: a gate that stops
 * looking fails here. Fixtures end in `.txt`, so that no gate takes them for the project's own files.
 */
import assert from 'node:assert/strict'
import { appendFileSync, cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, test } from 'node:test'
import { GATES, REPOSITORY, runGate } from '../../scripts/check.ts'

const root = mkdtempSync(join(tmpdir(), 'holdfast-gates-'))
after(() => rmSync(root, { recursive: true, force: true }))

const FIXTURES = join(import.meta.dirname, 'fixtures')
const CONFIGURATION = ['tsconfig.json', '.oxlintrc.json', '.oxfmtrc.json', 'knip.json']

/** What each gate must say of its fixture. */
const SOWN: Readonly<Record<string, readonly RegExp[]>> = {
  types: [/double\.ts.*TS2322/],
  lint: [
    /no-floating-promises/,
    /no-misused-promises/,
    /no-explicit-any/,
    /no-unsafe-member-access/,
    /no-restricted-globals/,
    /no-console/,
    /'node:fs' import is restricted/,
    /'randomBytes' import from 'node:crypto' is restricted/,
    /'Date\.now' is restricted/,
    /'Math\.random' is restricted/,
  ],
  'dead code': [/src\/base\/lonely\.ts/, /treble/],
  tidy: [
    /control\.ts:1: control\/ must not import agent\//,
    /import cycle: src\/base\/a\.ts/,
    /unfinished work/,
    /keeps the others from running/,
    /not for time to pass/,
    /utils\.ts:301: /,
    /'utils' does not say/,
    /dead link/,
  ],
  format: [/double\.ts/],
}

for (const gate of GATES.filter((one) => one.name !== 'generated')) {
  test(`the gate '${gate.name}' passes a clean project and finds what is sown`, async () => {
    const project = mkdtempSync(join(root, 'project-'))
    for (const name of CONFIGURATION) cpSync(join(REPOSITORY, name), join(project, name))
    symlinkSync(join(REPOSITORY, 'node_modules'), join(project, 'node_modules'))
    sow('clean', project)
    const clean = await runGate(gate, project)
    assert.ok(clean.passed, clean.output)
    sow(gate.name.replace(' ', '-'), project)
    const sown = await runGate(gate, project)
    assert.equal(sown.passed, false, sown.output)
    for (const complaint of SOWN[gate.name]!) assert.match(sown.output, complaint)
  })

  test(`the gate '${gate.name}' fails where there is nothing to look at`, async () => {
    const { passed, output } = await runGate(gate, mkdtempSync(join(root, 'empty-')))
    assert.equal(passed, false)
    assert.match(output, /nothing to look at/)
  })
}

test("the gate 'generated' finds a generated file that was changed by hand", async () => {
  const project = mkdtempSync(join(root, 'generated-'))
  for (const name of ['src', 'scripts', 'docs', 'package.json', 'package-lock.json']) {
    cpSync(join(REPOSITORY, name), join(project, name), { recursive: true })
  }
  symlinkSync(join(REPOSITORY, 'node_modules'), join(project, 'node_modules'))
  const gate = GATES.find((one) => one.name === 'generated')!
  // The copy is made right first: whether the repository itself is, check.test.ts says.
  await runGate({ ...gate, args: ['scripts/gen.ts'] }, project)
  const clean = await runGate(gate, project)
  assert.ok(clean.passed, clean.output)
  appendFileSync(join(project, 'docs', 'COVERAGE.md'), 'and more\n')
  const sown = await runGate(gate, project)
  assert.equal(sown.passed, false)
  assert.match(sown.output, /COVERAGE\.md is not what its generator makes/)
})

function sow(fixture: string, project: string): void {
  const from = join(FIXTURES, fixture)
  assert.ok(existsSync(from), `${fixture} has a fixture`)
  for (const name of readdirSync(from, { recursive: true, encoding: 'utf8' })) {
    if (!name.endsWith('.txt')) continue
    const target = join(project, name.slice(0, -'.txt'.length))
    mkdirSync(dirname(target), { recursive: true })
    cpSync(join(from, name), target)
  }
}
