import { z } from 'zod'
import { copyBytes } from '../base/bytes.ts'
import { CodedError, reportOf, type ErrorReport, type Result } from '../base/errors.ts'
import {
  calls,
  deltaSchema,
  errorReportSchema,
  type Appearance,
  type CallInput,
  type CallOutput,
  type Delta,
  type EngineCallName,
  type State,
} from '../contract/index.ts'
import type { EngineHost, OsKeyStore } from './host.ts'

/** One end of a channel between main and the engine thread. */
export interface EnginePort {
  postMessage(value: unknown): void
  onMessage(listener: (value: unknown) => void): void
  onExit(listener: (code: number) => void): void
  terminate(): Promise<void>
}

/** The engine's own end, as a worker thread has it. */
export interface ThreadPort {
  postMessage(value: unknown): void
  onMessage(listener: (value: unknown) => void): void
}

const bytesSchema = z.instanceof(Uint8Array)
const engineCall = z.enum(
  Object.entries(calls).flatMap(([name, spec]) => (spec.owner === 'engine' ? [name as EngineCallName] : [])),
)

const defect: ErrorReport = { code: 'internal', details: {} }
const gone: State = { phase: 'refused', error: { code: 'internal', details: {} } }

/** What main says to the thread. */
const toThread = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('call'), id: z.int(), name: engineCall, input: z.unknown() }),
  z.object({ kind: z.literal('stop') }),
  z.object({
    kind: z.literal('keyStoreAnswer'),
    id: z.int(),
    result: z.discriminatedUnion('ok', [
      z.object({ ok: z.literal(true), value: z.union([z.boolean(), bytesSchema]) }),
      z.object({ ok: z.literal(false), error: errorReportSchema }),
    ]),
  }),
])

/** What the thread says to main. */
const toMain = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('answer'), id: z.int(), result: z.unknown() }),
  z.object({ kind: z.literal('delta'), delta: deltaSchema }),
  z.object({ kind: z.literal('stopped') }),
  z.object({
    kind: z.literal('keyStore'),
    id: z.int(),
    act: z.enum(['available', 'wrap', 'unwrap']),
    bytes: bytesSchema.nullable(),
  }),
])

type ToThread = z.infer<typeof toThread>
type ToMain = z.infer<typeof toMain>

/**
 * The engine on the other side of a port, for main. When the thread dies unasked, open calls end with `internal` and
 * the state becomes `refused`, so that a window never waits for an engine that is gone.
 */
export function connectEngine(port: EnginePort, keyStore: OsKeyStore): EngineHost {
  const say = (message: ToThread): void => port.postMessage(message)
  const open = new Map<number, { readonly name: EngineCallName; answer(result: Result<never>): void }>()
  const listeners = new Set<(delta: Delta) => void>()
  let nextId = 1
  let ended = false
  let number = 0
  let appearance: Appearance = { locale: 'fr', theme: null }
  let stopping: Promise<void> | null = null
  let stopped: () => void = () => undefined
  /** After the thread's death there is one answer left: what a window shows that asks only now. */
  const last = (name: EngineCallName): Result<unknown> =>
    name === 'state.snapshot' ? { ok: true, value: { number: number + 1, appearance, state: gone } } : lost
  const lost: Result<never> = { ok: false, error: defect }

  port.onExit(() => {
    ended = true
    for (const { name, answer } of open.values()) answer(last(name) as Result<never>)
    open.clear()
    stopped()
    if (stopping !== null) return
    const delta: Delta = { number: number + 1, change: { kind: 'state', state: gone } }
    for (const listener of listeners) listener(delta)
  })
  port.onMessage((value) => {
    const message = toMain.parse(value)
    switch (message.kind) {
      case 'answer':
        open.get(message.id)?.answer(message.result as Result<never>)
        open.delete(message.id)
        return
      case 'delta':
        number = message.delta.number
        if (message.delta.change.kind === 'appearance') appearance = message.delta.change.appearance
        for (const listener of listeners) listener(message.delta)
        return
      case 'stopped':
        return stopped()
      case 'keyStore':
        void askKeyStore(keyStore, message.act, message.bytes).then((result) =>
          say({ kind: 'keyStoreAnswer', id: message.id, result }),
        )
    }
  })

  return {
    call: <N extends EngineCallName>(name: N, input: CallInput<N>) =>
      new Promise<Result<CallOutput<N>>>((resolve) => {
        if (ended) return resolve(last(name) as Result<CallOutput<N>>)
        const id = nextId
        nextId += 1
        open.set(id, { name, answer: resolve })
        say({ kind: 'call', id, name, input })
      }),
    onDelta: (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    stop: () => {
      stopping ??= new Promise<void>((resolve) => {
        stopped = resolve
        if (ended) resolve()
        else say({ kind: 'stop' })
      }).then(() => port.terminate())
      return stopping
    },
  }
}

type KeyStoreAnswer = Extract<ToThread, { kind: 'keyStoreAnswer' }>['result']

async function askKeyStore(
  keyStore: OsKeyStore,
  act: Extract<ToMain, { kind: 'keyStore' }>['act'],
  bytes: Uint8Array | null,
): Promise<KeyStoreAnswer> {
  try {
    if (act === 'available') return { ok: true, value: await keyStore.available() }
    const given = bytes ?? new Uint8Array()
    return {
      ok: true,
      value: copyBytes(await (act === 'wrap' ? keyStore.wrap(given) : keyStore.unwrap(given))),
    }
  } catch (error) {
    const report = reportOf(error)
    return { ok: false, error: { code: report.code, details: { ...report.details } } }
  }
}

/** Puts an engine behind a port, in its thread; the key store it is given is the one that main lends. */
export function serveEngine<E extends EngineHost>(
  port: ThreadPort,
  makeEngine: (keyStore: OsKeyStore) => E,
): E {
  const say = (message: ToMain): void => port.postMessage(message)
  const asked = new Map<number, (result: KeyStoreAnswer) => void>()
  let nextId = 1
  const ask = async (
    act: Extract<ToMain, { kind: 'keyStore' }>['act'],
    bytes: Uint8Array | null,
  ): Promise<boolean | Uint8Array> => {
    const id = nextId
    nextId += 1
    const result = await new Promise<KeyStoreAnswer>((resolve) => {
      asked.set(id, resolve)
      say({ kind: 'keyStore', id, act, bytes: bytes && copyBytes(bytes) })
    })
    if (!result.ok) throw new CodedError(result.error.code, result.error.details)
    return result.value
  }
  const bytesOf = (value: boolean | Uint8Array): Uint8Array => {
    if (typeof value === 'boolean') throw new CodedError('vault.keyStoreRefused')
    return value
  }
  const engine = makeEngine({
    available: async () => (await ask('available', null)) === true,
    wrap: async (secret) => bytesOf(await ask('wrap', secret)),
    unwrap: async (wrapped) => bytesOf(await ask('unwrap', wrapped)),
  })
  engine.onDelta((delta) => say({ kind: 'delta', delta }))
  port.onMessage((value) => {
    const message = toThread.parse(value)
    switch (message.kind) {
      case 'call':
        void engine
          .call(message.name, message.input as CallInput<typeof message.name>)
          .then((result) => say({ kind: 'answer', id: message.id, result }))
        return
      case 'stop':
        void engine.stop().then(() => say({ kind: 'stopped' }))
        return
      case 'keyStoreAnswer':
        asked.get(message.id)?.(message.result)
        asked.delete(message.id)
    }
  })
  return engine
}
