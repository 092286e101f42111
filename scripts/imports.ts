/** What the rooms import of each other, and whether they may: `tidy`'s rules about arrows and cycles. Pure. */
import { posix } from 'node:path'
import { ARROWS, OPEN_SUBFOLDERS } from './arrows.ts'

export interface SourceFile {
  /** From the root of the repository, `src/store/store.ts`. */
  readonly path: string
  readonly text: string
}

export interface Finding {
  readonly path: string
  /** From 1. */
  readonly line: number
  readonly what: string
}

export interface Import {
  readonly line: number
  /** The file that is meant, `src/store/store.ts`; undefined for packages and for node's own modules. */
  readonly target: string | undefined
  readonly specifier: string
  /** Erased before it runs. */
  readonly isType: boolean
}

const STATEMENT = /^[ \t]*(import|export)\b(\s+type\b)?(?:[^'"`;()]*?\sfrom)?\s*['"]([^'"]+)['"]/gm
const DYNAMIC = /\bimport\(\s*['"]([^'"]+)['"]/g

export function importsOf(file: SourceFile): Import[] {
  const found: Import[] = []
  const add = (index: number, specifier: string, isType: boolean): void => {
    const line = file.text.slice(0, index).split('\n').length
    found.push({ line, specifier, isType, target: resolve(file.path, specifier) })
  }
  for (const match of file.text.matchAll(STATEMENT)) add(match.index, match[3]!, match[2] !== undefined)
  // An import within a type, `import('…').Name`, looks the same and counts: it is an arrow all the same.
  for (const match of file.text.matchAll(DYNAMIC)) add(match.index, match[1]!, true)
  return found
}

function resolve(from: string, specifier: string): string | undefined {
  if (specifier.startsWith('#')) return `src/${specifier.slice(1)}`
  if (specifier.startsWith('.')) return posix.join(posix.dirname(from), specifier)
  return undefined
}

/** Imports against the table of arrows, into a private folder, or spelt in the other room's way. */
export function arrowFindings(files: readonly SourceFile[]): Finding[] {
  const findings: Finding[] = []
  for (const file of files) {
    const room = roomOf(file.path)
    if (room === undefined) continue
    if (!Object.hasOwn(ARROWS, room)) {
      findings.push({ path: file.path, line: 1, what: `the room ${room}/ is not in scripts/arrows.ts` })
      continue
    }
    for (const one of importsOf(file)) {
      const what = complaint(file.path, room, one)
      if (what !== undefined) findings.push({ path: file.path, line: one.line, what })
    }
  }
  return findings
}

function complaint(path: string, room: string, { target, specifier }: Import): string | undefined {
  if (target === undefined) return undefined
  const other = roomOf(target)
  // What tests share lies under tests/support/, also for those beside the code.
  if (isTest(path) && target.startsWith('tests/support/')) return undefined
  if (other === undefined)
    return target.startsWith('src/') || target === 'package.json' ? undefined : `${specifier} leads out of src/`
  if (other === room)
    return specifier.startsWith('#') ? `inside ${room}/ imports are relative: ${specifier}` : undefined
  if (!specifier.startsWith('#')) return `imports from another room are spelt #${target.slice('src/'.length)}`
  // A test may build what it tests upon from any room, and look into its folders.
  if (isTest(path)) return undefined
  const allowed = ARROWS[room]!
  if (allowed !== '*' && !allowed.includes(other)) return `${room}/ must not import ${other}/ (scripts/arrows.ts)`
  const isDoor = target.split('/').length === 3
  const guests = OPEN_SUBFOLDERS[other] ?? []
  if (isDoor || guests.includes(room) || guests.includes('*')) return undefined
  return `${specifier} is private to ${other}/: only the files at its root are doors`
}

/** Import cycles between files, types left aside. Each is told once, from the file that comes first by name. */
export function cycleFindings(files: readonly SourceFile[]): Finding[] {
  const graph = new Map<string, string[]>()
  for (const file of files) {
    const targets = importsOf(file).filter((one) => !one.isType && one.target !== undefined)
    graph.set(file.path, targets.map((one) => one.target!).sort())
  }
  const findings: Finding[] = []
  const done = new Set<string>()
  const path: string[] = []
  const visit = (at: string): void => {
    const seenAt = path.indexOf(at)
    if (seenAt !== -1) {
      const cycle = [...path.slice(seenAt), at].join(' → ')
      findings.push({ path: at, line: 1, what: `import cycle: ${cycle}` })
      return
    }
    if (done.has(at)) return
    path.push(at)
    for (const next of graph.get(at) ?? []) visit(next)
    path.pop()
    done.add(at)
  }
  for (const start of [...graph.keys()].sort()) visit(start)
  return findings
}

/** `store` of `src/store/…`; undefined for what lies in no room. */
function roomOf(path: string): string | undefined {
  const [src, room, ...rest] = path.split('/')
  return src === 'src' && rest.length > 0 ? room : undefined
}

export function isTest(path: string): boolean {
  return path.startsWith('tests/') || /\.(test|conformance)\.ts$/.test(path) || path.includes('/conformance/')
}
