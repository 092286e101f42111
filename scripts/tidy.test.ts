import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { SourceFile } from './imports.ts'
import { tidyFindings } from './tidy.ts'

/** What tidy says of these files, as `path:line: what`. */
function findings(files: Readonly<Record<string, string>>): string[] {
  const list: SourceFile[] = Object.entries(files).map(([path, text]) => ({ path, text }))
  return tidyFindings(list, (path) => path in files || list.some((file) => file.path.startsWith(`${path}/`))).map(
    (finding) => `${finding.path}:${finding.line}: ${finding.what}`,
  )
}

const room = (text: string, path = 'src/control/arn.ts'): Record<string, string> => ({ [path]: text })

test('an import along an arrow passes, also of a door in an open subfolder', () => {
  assert.deepEqual(findings(room("import { a } from '#store/store.ts'\nimport fs from 'node:fs'\n")), [])
  assert.deepEqual(findings(room("import { a } from '#wire/aws/xml.ts'\n", 'src/api/answer.ts')), [])
  assert.deepEqual(findings(room("import { a } from '#control/tag/tags.ts'\n", 'src/api/rds/tags.ts')), [])
})

test('an import against the arrows is found in every form', () => {
  for (const statement of [
    "import { a } from '#agent/agent.ts'",
    "import type { A } from '#agent/agent.ts'",
    "import {\n  a,\n  b,\n} from '#agent/agent.ts'",
    "import '#agent/agent.ts'",
    "export { a } from '#agent/agent.ts'",
    "const a = await import('#agent/agent.ts')",
    "type A = import('#agent/agent.ts').A",
  ]) {
    assert.match(findings(room(`${statement}\n`)).join(), /control\/ must not import agent\//, statement)
  }
})

test('a private folder, a wrong spelling and an unknown room are found', () => {
  assert.match(findings(room("import { a } from '#store/sqlite/table.ts'\n")).join(), /private to store/)
  assert.match(findings(room("import { a } from '../store/store.ts'\n")).join(), /spelt #store\/store\.ts/)
  assert.match(findings(room("import { a } from '#control/control.ts'\n")).join(), /imports are relative/)
  assert.match(findings(room('export {}\n', 'src/cellar/wine.ts')).join(), /not in scripts\/arrows/)
  assert.match(findings(room("import { a } from '../../scripts/arrows.ts'\n")).join(), /leads out of src/)
  const support = "import { a } from '../../tests/support/control.ts'\n"
  assert.match(findings(room(support)).join(), /leads out of src/)
  assert.deepEqual(findings(room(support, 'src/control/arn.test.ts')), [])
})

test('a cycle is told once, and a cycle through a type is none', () => {
  const cycle = { 'src/base/a.ts': "import { b } from './b.ts'\n", 'src/base/b.ts': "import { a } from './a.ts'\n" }
  assert.deepEqual(findings(cycle), ['src/base/a.ts:1: import cycle: src/base/a.ts → src/base/b.ts → src/base/a.ts'])
  const types = { ...cycle, 'src/base/b.ts': "import type { A } from './a.ts'\n" }
  assert.deepEqual(findings(types), [])
})

test('files that are too long or badly named are found', () => {
  assert.deepEqual(findings(room('\n'.repeat(300))), [])
  assert.match(findings(room('\n'.repeat(301))).join(), /301 lines; at most 300/)
  assert.deepEqual(findings(room('\n'.repeat(301), 'src/control/arn.test.ts')), [])
  assert.match(findings(room('', 'src/control/utils.ts')).join(), /'utils' does not say/)
  assert.match(findings(room('', 'src/control/dbInstance.ts')).join(), /not kebab-case/)
})

test('what must not stay in code and tests is found with its line', () => {
  const word = ['TO', 'DO'].join('')
  assert.match(findings(room(`\n// ${word}: later\n`)).join(), /arn\.ts:2: unfinished work/)
  const path = 'src/control/arn.test.ts'
  assert.match(findings(room(`test${'.only'}('x', () => {})\n`, path)).join(), /keeps the others from running/)
  assert.match(findings(room(`test${'.skip'}('x', () => {})\n`, path)).join(), /says why/)
  assert.match(findings(room(`await ${'sleep('}100)\n`, path)).join(), /not for time to pass/)
  assert.match(findings(room(`const home = '/ho${'me/'}somebody'\n`)).join(), /own machine/)
  assert.deepEqual(findings(room("test('x', { skip: !hasTool && 'no tool' }, run)\n", path)), [])
})

test('dead links and missing headings are found, outside of code blocks', () => {
  const docs = (text: string): string =>
    findings({ 'docs/A.md': text, 'docs/B.md': '# The `b` part\n', 'src/a/b.txt': '' }).join()
  assert.equal(
    docs('# Top\n[b](B.md), [part](B.md#the-b-part), [web](https://x.test), [src](../src/a), [top](#top)\n'),
    '',
  )
  assert.match(docs('\n[c](C.md)\n'), /docs\/A\.md:2: dead link: C\.md/)
  assert.match(docs('[part](B.md#other)\n'), /no such heading: B\.md#other/)
  assert.equal(docs('```\n[c](C.md)\n```\n'), '')
})
