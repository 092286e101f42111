/** A thread that simulates the seeds that it is told, one after the other, and says what came of each. */
import { parentPort } from 'node:worker_threads'
import { simulate } from './simulation.ts'

parentPort!.on('message', (seed: number) => parentPort!.postMessage(simulate(seed)))
