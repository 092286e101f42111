import { GIB, MIB } from '#base/bytes.ts'
import type { Clock } from '#host/clock.ts'
import { volumeTrouble } from '#host/loop-volume.ts'
import { volumeKind } from '../volume-kind.ts'
import { StartError } from './start-error.ts'

type Environment = Readonly<Record<string, string | undefined>>

/** The smallest that can be allocated is five units: the file system's own log, an empty database, and what is kept free. */
const UNIT_BYTES_MIN = 128 * MIB

/** Throws where `HOLDFAST_VOLUMES` asks for what this host, the engines or the scale of storage cannot have. */
export async function requireVolumes(env: Environment, at: { state: string | undefined; clock: Clock }): Promise<void> {
  const kind = volumeKind(env['HOLDFAST_VOLUMES'])
  if (kind === undefined)
    throw new StartError(`HOLDFAST_VOLUMES is '${env['HOLDFAST_VOLUMES']}'.`, 'Say loop or accounted, or leave it out.')
  if (kind === 'accounted') return
  if (at.state === undefined)
    throw new StartError(
      'Simulated engines have no volumes.',
      'Leave out HOLDFAST_VOLUMES, or start with real engines.',
    )
  if (Number(env['HOLDFAST_STORAGE_UNIT_BYTES'] || GIB) < UNIT_BYTES_MIN)
    throw new StartError(
      'HOLDFAST_STORAGE_UNIT_BYTES is too small for volumes, which are file systems.',
      `Give it at least ${UNIT_BYTES_MIN}, or leave out HOLDFAST_VOLUMES.`,
    )
  const trouble = await volumeTrouble(at.state, at.clock)
  if (trouble !== undefined)
    throw new StartError(
      `This host cannot have loop volumes: ${trouble}.`,
      'They need root on Linux, loop devices, mount, and mkfs.xfs and xfs_growfs (xfsprogs). Or leave out HOLDFAST_VOLUMES: storage is accounted then.',
    )
}
