import type { EngineFacts } from '#engine/engine.ts'
import type { Instance } from '../supervisor/instance.ts'

/** `isVolume`: its storage ends where a file system of its own ends. */
export type InstanceFacts = EngineFacts & { readonly isVolume?: boolean }

/** Of clients; undefined where that cannot be seen. */
export async function connectionsOf(instance: Instance): Promise<{ count: number | undefined }> {
  const { connections: count } = await instance.driver.measure(instance.folder, instance.spec, true)
  return { count }
}

/** What a look at the instance finds: a volume of its own knows best what is free on it. `running`: an engine is seen to run. */
export async function measureInstance(instance: Instance, running: boolean): Promise<InstanceFacts> {
  const { driver, folder, spec } = instance
  const [facts, room] = await Promise.all([
    driver.measure(folder, spec, running),
    // One that cannot be looked at is measured as others are.
    instance.volume.room().catch(() => undefined),
  ])
  if (!room) return facts
  const storageBytes = spec.capacity.storageBytes - room.freeBytes
  return { ...facts, storageBytes, hostFreeBytes: room.hostFreeBytes, isVolume: true }
}
