import { parentPort, workerData } from 'node:worker_threads'
import { systemClock } from '../base/clock.ts'
import { Engine } from './engine.ts'
import type { EngineOptions } from './host.ts'
import { serveEngine } from './port.ts'

if (parentPort === null) throw new Error('this entry runs as a worker thread')
const port = parentPort
const options = workerData as EngineOptions

const engine = serveEngine(
  {
    postMessage: (value) => port.postMessage(value),
    onMessage: (listener) => void port.on('message', listener),
  },
  (keyStore) => new Engine(options, keyStore, systemClock),
)
void engine.start()
