/** How instances' storage is limited: by a volume of its own each, or by looking and accounting. */
export type VolumeKind = 'loop' | 'accounted'

/** What `HOLDFAST_VOLUMES` says. Undefined: something that is neither. */
export function volumeKind(text: string | undefined): VolumeKind | undefined {
  if (text === undefined || text === '' || text === 'accounted') return 'accounted'
  return text === 'loop' ? 'loop' : undefined
}
