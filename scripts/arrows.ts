/** Which room may import which: the architecture as data. `tidy` enforces it; a new arrow is an ADR. */

/** `*`: everything. A room may always import itself. */
export const ARROWS: Readonly<Record<string, readonly string[] | '*'>> = {
  role: '*',
  api: ['control', 'trust', 'telemetry', 'store', 'flow', 'wire', 'catalog', 'host', 'base'],
  control: ['flow', 'store', 'archive', 'trust', 'telemetry', 'catalog', 'wire', 'host', 'base'],
  agent: ['engine', 'archive', 'store', 'catalog', 'wire', 'host', 'base'],
  endpoint: ['trust', 'wire', 'host', 'base'],
  volume: ['trust', 'wire', 'host', 'base'],
  engine: ['catalog', 'wire', 'host', 'base'],
  archive: ['trust', 'wire', 'host', 'base'],
  flow: ['store', 'host', 'base'],
  store: ['host', 'base'],
  trust: ['wire', 'host', 'base'],
  telemetry: ['wire', 'host', 'base'],
  wire: ['base'],
  catalog: ['base'],
  host: ['base'],
  base: [],
}

/**
 * Rooms whose subfolders are doors too, and for whom. All other subfolders are private to their room: other rooms
 * import the files at its root. Tests may look into any folder.
 */
export const OPEN_SUBFOLDERS: Readonly<Record<string, readonly string[]>> = {
  // One folder per resource; the API has one file per action on it.
  control: ['api', 'role'],
  // Codecs, one folder per protocol.
  wire: ['*'],
  // Tables, some of them generated into gen/.
  catalog: ['*'],
}
