/**
 * The images of a cluster volume: past states of its database, one in each zone, that new engines are made of. A later one
 * is made of the zone's last one and of the log since. What these give is written over the record that they were given.
 */
import { MIB } from '#base/bytes.ts'
import { Collection } from '#store/collection.ts'
import type { ImageFacts } from '#wire/agent/volume.ts'
import type { Position } from '#wire/quorum/messages.ts'
import { prefixOf, type Control, type Scope } from '../control.ts'
import { seedImageOf, type Seed, type VolumeRecord } from './record.ts'

export interface VolumeImage extends Pick<ImageFacts, 'from'> {
  /** Among snapshots. */
  readonly imageId: string
  readonly zone: string
  readonly sizeBytes: number
  readonly madeAt: number
}

export interface VolumeImages {
  /** At most one of a zone. */
  readonly images: readonly VolumeImage[]
  /** Of a zone that has had two: from where on the one before needed the log. Whoever was made of it may need that still. */
  readonly before: Readonly<Record<string, Position>>
  /** The one that is being made, of the log up to the record at `until`. */
  readonly making: { readonly imageId: string; readonly zone: string; readonly until: Position } | undefined
  /** What has given way to a later one, or was never finished, and may still be on the disk. */
  readonly leaving: readonly Pick<VolumeImage, 'imageId' | 'zone'>[]
  /** Whatever of the log lies before it nobody needs: it is gone, or goes. */
  readonly prunedTo: Position
  /** Names are never used again. */
  readonly lastNumber: number
}

/** By the volume's id. */
export const volumeImages = (control: Pick<Control, 'store'>, scope: Scope): Collection<VolumeImages> =>
  new Collection(control.store, prefixOf(scope, 'volume-images'))

export const NO_IMAGES: VolumeImages = {
  images: [],
  before: {},
  making: undefined,
  leaving: [],
  prunedTo: 0,
  lastNumber: 0,
}

/** What the names of all its images but the first begin with. */
export const imagePrefix = ({ id }: Pick<VolumeRecord, 'id'>): string => `${id}-image-`

/** All that may be on disks of a volume that is not needed any more. `zone`: of the host that made what it began with. */
export const everyImageOf = (
  volume: Pick<VolumeRecord, 'id'>,
  { images, leaving, making } = NO_IMAGES,
  zone: string,
): VolumeImages['leaving'] => [
  ...images,
  ...leaving,
  ...(making ? [making] : []),
  { imageId: seedImageOf(volume), zone },
]

/** Log that is worth an image, however small the database: engines apply it in a second or two. */
const LOG_BETWEEN_IMAGES_MIN = 32 * MIB

/** Part of the database's size: where disks cannot share blocks, an image writes all of it once more. */
const LOG_BETWEEN_IMAGES_SHARE = 0.5

export interface Due {
  readonly zone: string
  /** An image that needs log before that is not worth making. */
  readonly since: Position
}

/** The zone whose image has most log behind it, where that is enough for another one. */
export function dueImage(
  { images, making }: VolumeImages,
  at: { readonly seed: Seed; readonly zones: readonly string[]; readonly durable: Position },
): Due | undefined {
  if (making) return undefined
  const due = at.zones.flatMap((zone) => {
    const image = images.find((one) => one.zone === zone)
    const from = image?.from ?? at.seed.start
    const needed = Math.max(LOG_BETWEEN_IMAGES_MIN, (image?.sizeBytes ?? 0) * LOG_BETWEEN_IMAGES_SHARE)
    return at.durable - from < needed ? [] : [{ zone, from, since: Math.ceil(from + needed / 2) }]
  })
  const [first] = due.toSorted((a, b) => a.from - b.from)
  return first && { zone: first.zone, since: first.since }
}

export function begun(
  record: VolumeImages,
  volume: Pick<VolumeRecord, 'id'>,
  { zone, until }: { readonly zone: string; readonly until: Position },
): VolumeImages {
  const number = record.lastNumber + 1
  return { ...record, making: { imageId: `${imagePrefix(volume)}${number}`, zone, until }, lastNumber: number }
}

/** The one that was being made is there, and the zone's last one goes. */
export function made(
  record: VolumeImages,
  { image, sizeBytes, madeAt }: { readonly image: ImageFacts; readonly sizeBytes: number; readonly madeAt: number },
): VolumeImages {
  const { imageId, zone } = record.making!
  const old = record.images.find((one) => one.zone === zone)
  return {
    ...record,
    making: undefined,
    images: [...record.images.filter((one) => one !== old), { imageId, zone, from: image.from, sizeBytes, madeAt }],
    before: old ? { ...record.before, [zone]: old.from } : record.before,
    leaving: old ? [...record.leaving, { imageId: old.imageId, zone }] : record.leaving,
  }
}

/** The one that was being made will not be. */
export const givenUp = ({ making, ...record }: VolumeImages): VolumeImages => ({
  ...record,
  making: undefined,
  leaving: making ? [...record.leaving, { imageId: making.imageId, zone: making.zone }] : record.leaving,
})

export const left = (record: VolumeImages, gone: VolumeImages['leaving']): VolumeImages => ({
  ...record,
  leaving: record.leaving.filter(({ imageId }) => !gone.some((one) => one.imageId === imageId)),
})

/** Log before that goes; and with the first of it the image that the volume began with, of which nothing can be made then. */
export const pruned = (
  record: VolumeImages,
  { seed, zone, before }: { readonly seed: Seed; readonly zone: string; readonly before: Position },
): VolumeImages => ({
  ...record,
  prunedTo: before,
  leaving: record.prunedTo > seed.start ? record.leaving : [...record.leaving, { imageId: seed.imageId, zone }],
})

/** What an engine in a zone is made of: the zone's image, else the latest of another, else what the volume began with. */
export function imageIn({ images }: VolumeImages, zone: string, seed: Pick<Seed, 'imageId'>): string {
  const latest = images.toSorted((a, b) => b.from - a.from)
  return (latest.find((one) => one.zone === zone) ?? latest[0] ?? seed).imageId
}

export const imagesOf = async (control: Pick<Control, 'store'>, scope: Scope, id: string): Promise<VolumeImages> =>
  (await volumeImages(control, scope).get(id))?.value ?? NO_IMAGES
