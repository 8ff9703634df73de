import { systemClock } from '../../base/clock.ts'
import type { CrashPoint } from '../crashPoints.ts'
import { Engine } from '../engine.ts'
import type { EngineOptions } from '../host.ts'
import { serveEngine } from '../port.ts'

/** An engine in a process of its own that ends itself, by SIGKILL, the nth time it reaches a point. */
export interface VictimOptions {
  readonly engine: EngineOptions
  readonly crash: { readonly point: CrashPoint; readonly nth: number } | null
}

const { engine: options, crash } = JSON.parse(process.argv[2] ?? '') as VictimOptions
let reached = 0

function reach(point: CrashPoint): void {
  if (point !== crash?.point) return
  reached += 1
  if (reached === crash.nth) process.kill(process.pid, 'SIGKILL')
}

const engine = serveEngine(
  {
    postMessage: (value) => void process.send?.(value),
    onMessage: (listener) => void process.on('message', listener),
  },
  (keyStore) => new Engine(options, keyStore, systemClock, reach),
)
void engine.start()
