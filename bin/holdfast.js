#!/usr/bin/env node
// Plain JavaScript that any Node from 20 on can run: finds a Node that runs the TypeScript sources, and runs them.
import { spawn } from 'node:child_process'
import { existsSync, realpathSync } from 'node:fs'
import * as module from 'node:module'
import { constants } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const OLDEST = [24, 12]
const main = fileURLToPath(new URL('../src/main.ts', import.meta.url))

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

// Half of the time of a start is compiling. Beside the code, since who can write there can change that as well; where we
// cannot, nothing is kept. Agents get it with the environment.
process.env.NODE_COMPILE_CACHE ??= fileURLToPath(new URL('../node_modules/.cache/compiled', import.meta.url))

const node = ownNode()
if (node !== undefined && realpathSync(process.execPath) !== realpathSync(node)) {
  const args = [main, ...process.argv.slice(2)]
  // Becoming the other Node leaves no process in between; Node 20 cannot do it and stays as one that waits.
  if (process.execve) process.execve(node, [node, ...args], process.env)
  runAndWait(node, args)
} else if (isNewEnough(process.versions.node)) {
  module.enableCompileCache?.(process.env.NODE_COMPILE_CACHE)
  await import(pathToFileURL(main).href)
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
