import { memoryObjects } from './memory-objects.ts'
import { objectStoreConformance } from './object-store.conformance.ts'

objectStoreConformance('memory', async () => memoryObjects())
