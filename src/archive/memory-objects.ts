import { checkKey, portionsOf, type ObjectStore } from './object-store.ts'

/** Objects that go with this process: for simulated engines and for tests. */
export function memoryObjects(): ObjectStore {
  const objects = new Map<string, Buffer>()
  return {
    async put(key, body) {
      checkKey(key)
      const portions: Uint8Array[] = []
      for await (const portion of portionsOf(body)) portions.push(Buffer.from(portion))
      objects.set(key, Buffer.concat(portions))
    },
    async get(key) {
      checkKey(key)
      const found = objects.get(key)
      return found && portionsOf(found)
    },
    async *list(prefix, after = '') {
      const keys = [...objects.keys()].filter((key) => key.startsWith(prefix) && key > after).sort()
      for (const key of keys) {
        const found = objects.get(key)
        if (found) yield { key, sizeBytes: found.length }
      }
    },
    async delete(keys) {
      for (const key of keys) objects.delete(key)
    },
    async copy(from, to) {
      checkKey(to)
      const found = objects.get(from)
      if (!found) throw new Error(`the archive has no object ${from}`)
      objects.set(to, found)
    },
    close() {},
  }
}
