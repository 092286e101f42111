/** Where things lie in the state folder of one Holdfast. Serve and its agents agree on this and nothing else. */
import { join } from 'node:path'

/** File name of the socket that agents dial; its folder may be elsewhere when the path is too long. */
export const AGENT_SOCKET = 'serve.sock'

/** File name of the socket on which the endpoint process is asked. */
export const ENDPOINT_SOCKET = 'endpoint.sock'

/** File name of the socket on which a log node is asked. */
export const LOGNODE_SOCKET = 'lognode.sock'

/** File name of the socket that heads and log nodes of this machine take instead of TLS. */
export const LOGNODE_SHORTCUT = 'quorum.sock'

/** Of one host's log node. */
export interface LogNodeFolder {
  /** Its socket, its log, and all below. */
  readonly root: string
  /** All that it was told, with the lock that it has as long as it lives. */
  readonly table: string
  /** Which process it is. The file is there as long as one should run. */
  readonly identity: string
  /** The logs: a folder for each volume, in it one for each member. */
  readonly members: string
}

export interface StateFolder {
  readonly root: string
  /** Folder of the socket for agents, for serve alone. */
  readonly run: string
  /** Written when serve begins to end all that runs here, and there until the next one starts. Whoever comes late ends at once. */
  readonly stopping: string
  /** The secret that an agent shows to serve. */
  readonly agentToken: string
  /** Binaries and templates of engines, shared by all hosts of this machine. */
  readonly engines: string
  readonly snapshots: string
  /** What was measured, for serve alone. */
  readonly metrics: string
  /** Backups and logs, unless HOLDFAST_ARCHIVE names another place. */
  readonly archive: string
  /** Keys and certificate authorities. */
  readonly trust: string
  /** Everything of one host: its table, its volumes, its log. */
  host(az: string): string
  /** Of the heads beside the host's writers. */
  heads(az: string): string
  /** Which process is the host's agent. */
  agentIdentity(az: string): string
  lognode(az: string): LogNodeFolder
  /** Everything of the endpoint process: its routes, its socket, its log. */
  readonly endpoint: string
  /** Which process it is. The file is there as long as one should run. */
  readonly endpointIdentity: string
  readonly endpointRoutes: string
}

/** `root` is absolute. */
export function stateFolder(root: string): StateFolder {
  return {
    root,
    run: join(root, 'run'),
    stopping: join(root, 'run', 'stopping'),
    agentToken: join(root, 'run', 'agent-token'),
    engines: join(root, 'engines'),
    snapshots: join(root, 'snapshots'),
    metrics: join(root, 'metrics.sqlite'),
    archive: join(root, 'archive'),
    trust: join(root, 'trust'),
    host: (az) => join(root, 'hosts', az),
    heads: (az) => join(root, 'hosts', az, 'heads'),
    agentIdentity: (az) => join(root, 'hosts', az, 'agent.json'),
    lognode(az) {
      const home = join(root, 'hosts', az, 'lognode')
      return {
        root: home,
        table: join(home, 'lognode.sqlite'),
        identity: join(home, 'lognode.json'),
        members: join(home, 'volumes'),
      }
    },
    endpoint: join(root, 'endpoint'),
    endpointIdentity: join(root, 'endpoint', 'endpoint.json'),
    endpointRoutes: join(root, 'endpoint', 'routes.sqlite'),
  }
}
