/** The one binary: picks a role by its first argument. Everything else is loaded by the role that needs it. */
import { enableCompileCache } from 'node:module'

// Type stripping and compilation are most of a start; their result is kept for the next one.
enableCompileCache()

const [role, ...rest] = process.argv.slice(2)

if (role === 'agent') {
  const { runAgent } = await import('#role/agent.ts')
  await runAgent(rest)
} else if (role === 'endpoint') {
  const { runEndpoint } = await import('#role/endpoint.ts')
  await runEndpoint(rest)
} else if (role === 'lognode') {
  const { runLogNode } = await import('#role/lognode.ts')
  await runLogNode(rest)
} else if (role === 'head') {
  const { runHead } = await import('#role/head.ts')
  await runHead(rest)
} else {
  const { runCli } = await import('#role/cli/run.ts')
  await runCli(process.argv.slice(2))
}
