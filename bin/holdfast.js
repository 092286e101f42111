#!/usr/bin/env node
// Plain JavaScript that any Node from 20 on can run: finds a Node that is new enough, and runs the program with it.
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, readdirSync, realpathSync, statSync } from 'node:fs'
import * as module from 'node:module'
import { constants } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const OLDEST = [24, 12]
const ROOT = fileURLToPath(new URL('..', import.meta.url))
const SOURCES = join(ROOT, 'src')
const BUILT = join(ROOT, 'dist', 'main.js')

function isNewEnough(version) {
  const [major, minor] = version.split('.').map(Number)
  return major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1])
}

/** The Node that came as a dependency; undefined where there is none, as in the published package. */
function ownNode() {
  try {
    const name = `node-${process.platform}-${process.arch}`
    const path = join(dirname(module.createRequire(import.meta.url).resolve(`${name}/package.json`)), 'bin', 'node')
    return existsSync(path) ? path : undefined
  } catch {
    return undefined
  }
}

/** What was built from the sources starts in half their time: it is built anew where one of them is newer. */
function program(node) {
  if (isBuilt()) return BUILT
  spawnSync(node, [join(ROOT, 'scripts', 'build.ts')], { stdio: 'ignore' })
  // In a folder where we cannot write, the sources run as they are.
  return isBuilt() ? BUILT : join(SOURCES, 'main.ts')
}

function isBuilt() {
  const changedAt = (path) => statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0
  const paths = readdirSync(SOURCES, { recursive: true }).map((name) => join(SOURCES, name))
  return Math.max(...[join(ROOT, 'package.json'), ...paths].map(changedAt)) <= changedAt(BUILT)
}

// Half of the time of a start is compiling. Beside the code, since who can write there can change that as well; where we
// cannot, nothing is kept. Agents get it with the environment.
process.env.NODE_COMPILE_CACHE ??= fileURLToPath(new URL('../node_modules/.cache/compiled', import.meta.url))

const node = ownNode()
if (node !== undefined && realpathSync(process.execPath) !== realpathSync(node)) {
  const args = [program(node), ...process.argv.slice(2)]
  // Becoming the other Node leaves no process in between; Node 20 cannot do it and stays as one that waits.
  if (process.execve) process.execve(node, [node, ...args], process.env)
  runAndWait(node, args)
} else if (isNewEnough(process.versions.node)) {
  module.enableCompileCache?.(process.env.NODE_COMPILE_CACHE)
  await import(pathToFileURL(program(process.execPath)).href)
} else {
  console.error(`Holdfast needs Node ${OLDEST.join('.')} or newer, and this is Node ${process.versions.node}.`)
  console.error('Install one from https://nodejs.org, or run npm ci in the folder of Holdfast, which brings its own.')
  process.exitCode = 1
}

function runAndWait(command, args) {
  const child = spawn(command, args, { stdio: 'inherit' })
  // A terminal sends Ctrl-C to both; this one only waits, and passes on what is meant for Holdfast alone.
  process.on('SIGINT', () => {})
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  child.once('error', (error) => {
    console.error(`Holdfast cannot start ${command}: ${error.message}`)
    process.exitCode = 1
  })
  child.once('exit', (code, signal) => {
    // As a shell says it: 128 and the number of the signal.
    process.exitCode = code ?? 128 + (constants.signals[signal] ?? 0)
  })
}
