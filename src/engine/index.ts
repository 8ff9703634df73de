export { Engine } from './engine.ts'
export type { EngineHost, EngineOptions, OsKeyStore } from './host.ts'
export { connectEngine, serveEngine, type EnginePort, type ThreadPort } from './port.ts'
