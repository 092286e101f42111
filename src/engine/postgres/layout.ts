/**
 * Where things lie in an instance's folder. All of it belongs to the engines' account and is closed to others:
 *
 *   data/          PGDATA, with postgresql.conf and pg_hba.conf
 *   tls/           certificate and private key of the endpoint
 *   run/           the Unix socket (elsewhere when this path is too long for one)
 *   log/error/     what the engine's log collector writes
 *   log/start.log  what the engine says before the collector runs
 *   peer/          what a standby needs to reach its source: a password file and the source's CA
 *   attachment/    of an engine on a cluster volume: what it reaches log nodes with, and what it answers of the others
 *   read-only.conf settings of an engine whose storage is full; absent else
 *   given-log/     a segment of the log on its way to a standby's data; absent else
 *   cancelled/     a file for every session that somebody may have cancelled by SQL, since the engine's start
 *   engine.json    which process an agent started here
 *
 * A snapshot's folder has `data/` and `manifest.json`.
 */
import { join } from 'node:path'
import type { Account } from '#host/account.ts'
import { socketFolder } from '#host/net.ts'
import { CANCELLED_FOLDER } from '#wire/postgres/assurance.ts'

export const dataOf = (folder: string): string => join(folder, 'data')
export const tlsOf = (folder: string): string => join(folder, 'tls')
export const peerOf = (folder: string): string => join(folder, 'peer')
export const attachmentOf = (folder: string): string => join(folder, 'attachment')
const runOf = (folder: string): string => join(folder, 'run')
export const logOf = (folder: string): string => join(folder, 'log')
export const errorLogOf = (folder: string): string => join(folder, 'log', 'error')
export const startLogOf = (folder: string): string => join(folder, 'log', 'start.log')
export const readOnlyFileOf = (folder: string): string => join(folder, 'read-only.conf')
export const givenLogOf = (folder: string): string => join(folder, 'given-log')
export const cancelledOf = (folder: string): string => join(folder, CANCELLED_FOLDER)
export const processFileOf = (folder: string): string => join(folder, 'engine.json')
export const manifestOf = (snapshotFolder: string): string => join(snapshotFolder, 'manifest.json')
export const socketNameOf = (port: number): string => `.s.PGSQL.${port}`

/** The folder of the engine's Unix socket, which is made if there is none. No other engine has its socket there. */
export const socketsOf = (folder: string, port: number, account?: Account): Promise<string> =>
  socketFolder(runOf(folder), socketNameOf(port), account)
