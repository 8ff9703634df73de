import { Worker } from 'node:worker_threads'
import type { EngineHost, EngineOptions, OsKeyStore } from '../src/engine/host.ts'
import { connectEngine, type EnginePort } from '../src/engine/port.ts'

/** Starts the engine in a thread of this process; `file` is its bundle. Only the key store is lent to it. */
export function startEngine(file: string | URL, options: EngineOptions, keyStore: OsKeyStore): EngineHost {
  const worker = new Worker(file, {
    name: 'engine',
    workerData: options,
    // None of this process' switches or preloaded modules are the engine's business.
    execArgv: [],
  })
  // Without a listener an error in the thread would end the whole process; its exit is what the host hears of.
  worker.on('error', () => undefined)
  const port: EnginePort = {
    postMessage: (value) => worker.postMessage(value),
    onMessage: (listener) => void worker.on('message', listener),
    onExit: (listener) => void worker.on('exit', listener),
    terminate: async () => void (await worker.terminate()),
  }
  return connectEngine(port, keyStore)
}
