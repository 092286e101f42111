/**
 * The rules that no other tool checks: `node scripts/tidy.ts [root]`. Arrows between rooms and import cycles (see
 * imports.ts), sizes of files, names, links in the docs, and what must not stay in a test or a comment.
 */
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { join, posix, relative } from 'node:path'
import { arrowFindings, cycleFindings, isTest } from './imports.ts'
import type { Finding, SourceFile } from './imports.ts'

/** Lines of a source file. Beyond it a file does more than one thing. */
const SOURCE_LINES_MAX = 300
/** Tests are read case by case. */
const TEST_LINES_MAX = 500

const SKIPPED_FOLDERS = new Set(['node_modules', '.git', 'gen', 'coverage'])
const TOP = ['src', 'tests', 'scripts', 'bin', 'docs']

/** Names that say nothing about what is inside. */
const EMPTY_NAMES = new Set([
  'utils',
  'util',
  'helpers',
  'helper',
  'common',
  'manager',
  'misc',
  'data',
  'info',
  'stuff',
])

interface LineRule {
  readonly pattern: RegExp
  readonly what: string
  readonly applies: (path: string) => boolean
}

const isCode = (path: string): boolean => /\.(ts|js)$/.test(path)
const isTestCase = (path: string): boolean => path.endsWith('.test.ts')

// The words are put together here so that this file passes its own rules.
const LINE_RULES: readonly LineRule[] = [
  {
    pattern: new RegExp(`\\b(${['TO', 'FIX', 'XX'].join('|')})(DO|ME|X)\\b`),
    what: 'unfinished work is an issue, not a comment',
    applies: isCode,
  },
  {
    pattern: /\b(test|it|describe|suite)\.only\(|\bonly: true\b/,
    what: 'a test that keeps the others from running',
    applies: isTest,
  },
  {
    pattern: /\b(test|it|describe|suite)\.(skip|todo)\(|\bskip: true\b/,
    what: 'a skipped test says why: { skip: reason }',
    applies: isTest,
  },
  {
    pattern:
      /\bawait (setTimeout|sleep|delay|systemClock\.sleep)\(|\bsetTimeout\(\s*(resolve|done|r)\b|timers\/promises/,
    what: 'a test waits for something that it can see, not for time to pass',
    applies: isTestCase,
  },
  { pattern: /(^|[\s'"`(])\/(home|Users)\/\w+/, what: "a path of somebody's own machine", applies: () => true },
]

export function tidyFindings(files: readonly SourceFile[], exists: (path: string) => boolean): Finding[] {
  const sources = files.filter((file) => file.path.startsWith('src/') && file.path.endsWith('.ts'))
  return [
    ...arrowFindings(sources),
    ...cycleFindings(files.filter((file) => file.path.endsWith('.ts'))),
    ...files.flatMap(sizeFindings),
    ...files.flatMap(nameFindings),
    ...files.flatMap(lineFindings),
    ...files.filter((file) => file.path.endsWith('.md')).flatMap((file) => linkFindings(file, { files, exists })),
  ].sort((a, b) => a.path.localeCompare(b.path) || a.line - b.line)
}

function sizeFindings({ path, text }: SourceFile): Finding[] {
  if (!isCode(path)) return []
  const max = isTest(path) ? TEST_LINES_MAX : SOURCE_LINES_MAX
  const lines = text.split('\n').length - 1
  return lines > max ? [{ path, line: max + 1, what: `${lines} lines; at most ${max}` }] : []
}

function nameFindings({ path }: SourceFile): Finding[] {
  if (!isCode(path)) return []
  const parts = path.split('/').map((part) => part.replace(/(\.(test|conformance|d))?\.(ts|js)$/, ''))
  const empty = parts.find((part) => EMPTY_NAMES.has(part))
  if (empty !== undefined) return [{ path, line: 1, what: `'${empty}' does not say what is inside` }]
  const odd = parts.find((part) => !/^\.?[a-z0-9]+(-[a-z0-9]+)*$/.test(part))
  return odd === undefined ? [] : [{ path, line: 1, what: `'${odd}' is not kebab-case` }]
}

function lineFindings({ path, text }: SourceFile): Finding[] {
  const rules = LINE_RULES.filter((rule) => rule.applies(path))
  return text
    .split('\n')
    .flatMap((line, index) =>
      rules.filter((rule) => rule.pattern.test(line)).map((rule) => ({ path, line: index + 1, what: rule.what })),
    )
}

interface Docs {
  readonly files: readonly SourceFile[]
  readonly exists: (path: string) => boolean
}

/** Links to files and headings of this repository that are not there. Links to the web are not followed. */
function linkFindings(file: SourceFile, docs: Docs): Finding[] {
  const findings: Finding[] = []
  const prose = withoutCode(file.text)
  for (const match of prose.matchAll(/\]\(([^()\s]+)\)/g)) {
    const link = match[1]!
    if (/^[a-z]+:/.test(link)) continue
    const [target = '', heading] = link.split('#')
    const path = target === '' ? file.path : posix.join(posix.dirname(file.path), target)
    const line = prose.slice(0, match.index).split('\n').length
    if (!docs.exists(path)) findings.push({ path: file.path, line, what: `dead link: ${link}` })
    else if (
      heading !== undefined &&
      !hasHeading(
        docs.files.find((one) => one.path === path),
        heading,
      )
    ) {
      findings.push({ path: file.path, line, what: `no such heading: ${link}` })
    }
  }
  return findings
}

function hasHeading(file: SourceFile | undefined, slug: string): boolean {
  if (file === undefined) return true
  return withoutCode(file.text)
    .split('\n')
    .filter((line) => /^#+ /.test(line))
    .some((line) => slugOf(line.replace(/^#+ /, '')) === slug)
}

/** As GitHub makes the anchor of a heading. */
function slugOf(heading: string): string {
  return heading
    .trim()
    .toLowerCase()
    .replace(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-')
}

/** Fenced blocks blanked, line by line, so that positions stay. */
function withoutCode(markdown: string): string {
  let fenced = false
  return markdown
    .split('\n')
    .map((line) => {
      const isFence = line.trimStart().startsWith('```')
      if (isFence) fenced = !fenced
      return fenced || isFence ? '' : line
    })
    .join('\n')
}

function filesBelow(root: string): SourceFile[] {
  const paths: string[] = []
  const walk = (folder: string): void => {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const path = join(folder, entry.name)
      if (entry.isDirectory() && !SKIPPED_FOLDERS.has(entry.name)) walk(path)
      else if (entry.isFile() && /\.(ts|js|md)$/.test(entry.name)) paths.push(path)
    }
  }
  for (const folder of TOP) if (existsSync(join(root, folder))) walk(join(root, folder))
  for (const name of readdirSync(root)) if (name.endsWith('.md')) paths.push(join(root, name))
  return paths.map((path) => ({ path: relative(root, path), text: readFileSync(path, 'utf8') }))
}

if (import.meta.main) {
  const root = process.argv[2] ?? '.'
  const files = filesBelow(root)
  const findings = tidyFindings(files, (path) => existsSync(join(root, path)))
  for (const { path, line, what } of findings) console.log(`${path}:${line}: ${what}`)
  // A check that looks at nothing finds nothing wrong.
  if (files.length === 0) console.log(`no files in ${root}`)
  process.exitCode = findings.length > 0 || files.length === 0 ? 1 : 0
}
