/** The archive that the environment names: `HOLDFAST_ARCHIVE`. */
import { isAbsolute } from 'node:path'
import { fileURLToPath } from 'node:url'
import { folderObjects } from './folder-objects.ts'
import type { ObjectStore } from './object-store.ts'

export type ArchiveLocation =
  | { readonly kind: 'folder'; readonly path: string }
  | {
      readonly kind: 's3'
      readonly bucket: string
      readonly prefix: string
      readonly endpoint: string | undefined
      readonly region: string | undefined
    }

/**
 * `s3://bucket/prefix?endpoint=https://…&region=…`, `file:///path` or an absolute path; nothing: `defaultFolder`. Throws
 * a message for a person for anything else.
 */
export function archiveLocation(text: string | undefined, defaultFolder: string): ArchiveLocation {
  if (text === undefined || text === '') return { kind: 'folder', path: defaultFolder }
  if (isAbsolute(text)) return { kind: 'folder', path: text }
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url?.protocol === 'file:') return { kind: 'folder', path: fileURLToPath(url) }
  const unknown = [...(url?.searchParams.keys() ?? [])].filter((name) => name !== 'endpoint' && name !== 'region')
  if (url?.protocol !== 's3:' || url.hostname === '' || unknown.length > 0)
    throw new Error(
      `HOLDFAST_ARCHIVE is neither an absolute path nor s3://bucket/prefix?endpoint=URL&region=NAME: ${text}`,
    )
  const path = url.pathname.replaceAll(/^\/+|\/+$/g, '')
  if (!/^[\w.\-/]*$/.test(path))
    throw new Error(`The prefix in HOLDFAST_ARCHIVE has other characters than a-z0-9._-/: ${path}`)
  return {
    kind: 's3',
    bucket: url.hostname,
    prefix: path === '' ? '' : `${path}/`,
    endpoint: url.searchParams.get('endpoint') ?? undefined,
    region: url.searchParams.get('region') ?? undefined,
  }
}

/** Opens it without asking whether it answers: an archive may come and go, and whoever uses it waits for it. */
export async function openArchive(location: ArchiveLocation, now: number): Promise<ObjectStore> {
  if (location.kind === 'folder') return folderObjects(location.path, now)
  const { s3Objects } = await import('./s3-objects.ts')
  return s3Objects(location)
}
