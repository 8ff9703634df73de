import { expect, it } from 'vitest'
import type { Delta, Snapshot } from '../contract/index.ts'
import type { EngineHost, OsKeyStore } from './host.ts'
import { connectEngine, serveEngine, type EnginePort } from './port.ts'
import { memoryKeyStore } from './testing/workstation.ts'

type Listener = (value: unknown) => void

/** Both ends of a channel that copies what crosses it, as a thread's does. */
function channel() {
  const toMain: Listener[] = []
  const toThread: Listener[] = []
  const exits: ((code: number) => void)[] = []
  let terminated = 0
  const pass = (listeners: Listener[]) => (value: unknown) => {
    const copy: unknown = structuredClone(value)
    queueMicrotask(() => listeners.forEach((listener) => listener(copy)))
  }
  const main: EnginePort = {
    postMessage: pass(toThread),
    onMessage: (listener) => void toMain.push(listener),
    onExit: (listener) => void exits.push(listener),
    terminate: async () => {
      terminated += 1
    },
  }
  const thread = {
    postMessage: pass(toMain),
    onMessage: (listener: Listener) => void toThread.push(listener),
  }
  return { main, thread, die: () => exits.forEach((exit) => exit(1)), terminated: () => terminated }
}

const snapshot: Snapshot = {
  number: 0,
  appearance: { locale: 'fr', theme: null },
  state: { phase: 'starting' },
}

/** Answers what it is told to, and keeps the key store that it was lent. */
class Answering implements EngineHost {
  readonly keyStore: OsKeyStore
  tell: (delta: Delta) => void = () => undefined
  stopped = false

  constructor(keyStore: OsKeyStore) {
    this.keyStore = keyStore
  }

  call: EngineHost['call'] = (name) =>
    name === 'connection.retry'
      ? new Promise(() => undefined)
      : Promise.resolve({ ok: true, value: snapshot as never })

  onDelta(listener: (delta: Delta) => void): () => void {
    this.tell = listener
    return () => undefined
  }

  async stop(): Promise<void> {
    this.stopped = true
  }
}

function connected(keyStore: OsKeyStore = memoryKeyStore()) {
  const ends = channel()
  const engine = serveEngine(ends.thread, (lent) => new Answering(lent))
  return { ...ends, engine, host: connectEngine(ends.main, keyStore) }
}

it('carries calls, deltas and the key store', async () => {
  const keyStore = memoryKeyStore()
  const { engine, host } = connected(keyStore)
  const deltas: Delta[] = []
  host.onDelta((delta) => deltas.push(delta))
  expect(await host.call('state.snapshot', {})).toEqual({ ok: true, value: snapshot })
  engine.tell({ number: 1, change: { kind: 'appearance', appearance: snapshot.appearance } })
  const secret = new Uint8Array([1, 2, 3])
  expect(await engine.keyStore.unwrap(await engine.keyStore.wrap(secret))).toEqual(secret)
  expect(await engine.keyStore.available()).toBe(true)
  keyStore.present = false
  expect(await engine.keyStore.available()).toBe(false)
  await expect(engine.keyStore.unwrap(new Uint8Array(9))).rejects.toMatchObject({
    code: 'vault.keyStoreRefused',
  })
  expect(deltas).toHaveLength(1)
})

it('says that the engine is gone when its thread dies, and leaves no call open', async () => {
  const { engine, host, die } = connected()
  const deltas: Delta[] = []
  host.onDelta((delta) => deltas.push(delta))
  engine.tell({ number: 4, change: { kind: 'appearance', appearance: snapshot.appearance } })
  await host.call('state.snapshot', {})
  const open = host.call('connection.retry', {})
  die()
  const lost = { ok: false, error: { code: 'internal', details: {} } }
  expect(await open).toEqual(lost)
  expect(await host.call('connection.retry', {})).toEqual(lost)
  // A window that asks only now, or asked just before, is told too.
  expect(await host.call('state.snapshot', {})).toMatchObject({
    ok: true,
    value: { number: 5, state: { phase: 'refused', error: { code: 'internal' } } },
  })
  expect(deltas.at(-1)).toEqual({
    number: 5,
    change: { kind: 'state', state: { phase: 'refused', error: { code: 'internal', details: {} } } },
  })
})

it('stops in order, once, and says nothing then', async () => {
  const { engine, host, die, terminated } = connected()
  const deltas: Delta[] = []
  host.onDelta((delta) => deltas.push(delta))
  await Promise.all([host.stop(), host.stop()])
  die()
  expect([engine.stopped, terminated(), deltas]).toEqual([true, 1, []])
})
