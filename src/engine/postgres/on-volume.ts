/** The driver's verbs for instances on cluster volumes. */
import type { VolumeEngine } from '../volume-engine.ts'
import { belongs, fillFromImage } from './attachment.ts'
import { tellReplicas } from './aurora.ts'
import type { Binaries } from './binaries/binaries.ts'
import { branchOff, makeImage } from './image.ts'
import { awaitLog, checkpoint, endSessions, headLogin, lead, observeVolume } from './lead.ts'
import { openVolumeLog } from './log-source.ts'
import { makeSeed } from './seed.ts'
import type { Surroundings } from './surroundings.ts'

interface Parts {
  readonly surroundings: Surroundings
  /** Binaries, and PGDATA of the template. */
  prepare(version: string): Promise<Binaries & { readonly template: string }>
}

export const onVolume = ({ surroundings, prepare }: Parts): VolumeEngine => ({
  async seed(imageFolder, order, signal) {
    const { template, ...binaries } = await prepare(order.version)
    return makeSeed(imageFolder, { ...order, signal }, { binaries, template, surroundings })
  },
  async image(imageFolder, order, signal) {
    const { postgres, initdb } = await prepare(order.version)
    return makeImage(imageFolder, order, { binaries: { postgres, initdb }, surroundings }, signal)
  },
  async branch(folder, order, signal) {
    const { postgres, initdb } = await prepare(order.version)
    return branchOff(folder, order, { binaries: { postgres, initdb }, surroundings }, signal)
  },
  checkpoint: (folder, since) => checkpoint({ folder, surroundings }, since),
  attach: (folder, spec, imageFolder, signal) => fillFromImage(imageFolder, { folder, surroundings }, { spec, signal }),
  belongs,
  endSessions: (folder) => endSessions({ folder, surroundings }),
  awaitLog: (folder, end, signal) => awaitLog({ folder, surroundings }, end, signal),
  lead: (folder, epoch, signal) => lead({ folder, surroundings }, epoch, signal),
  headLogin: (folder, { port }) => headLogin({ folder, surroundings }, port),
  observe: (folder) => observeVolume({ folder, surroundings }),
  openLog: (log) => openVolumeLog(log, surroundings.clock),
  tellReplicas: (folder, told) => tellReplicas({ folder, surroundings }, told),
})
