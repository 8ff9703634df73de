import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { CodedError, type ErrorCode } from '../base/errors.ts'
import type { CallOutput, Delta, State } from '../contract/index.ts'
import type { EngineHost } from '../engine/index.ts'
import { Notices, type Notice } from './notices.ts'
import { answerLine, notificationLine, readLine, refusalLine } from './rpc.ts'

export interface ServeOptions {
  readonly engine: EngineHost
  readonly input: Readable
  readonly output: Writable
  readonly passphrase: string
  /** An error's sentence in the person's language. */
  readonly sentence: (code: ErrorCode) => string
  /** Ends the service at once: what was asked may stay without an answer. */
  readonly signal: AbortSignal
}

/**
 * Unlocks the vault where there is one, says `ready`, then answers requests until the input ends; what was asked before
 * that is still answered. It also ends, at once, when nobody reads the output any more. Throws the reason when the
 * engine refuses to start or the passphrase is wrong.
 */
export async function serve(options: ServeOptions): Promise<void> {
  const { engine, input, output, passphrase, sentence } = options
  const over = AbortSignal.any([options.signal, closingOf(output)])
  const say = (line: string): boolean => output.write(`${line}\n`)
  const end = await open(engine, passphrase, (notice) => void say(notificationLine(notice)))
  const asked = new Set<Promise<void>>()
  const lines = createInterface({ input, crlfDelay: Infinity, signal: over })
  // Readline hears the input's `end`, which one that fails or is destroyed never says.
  const close = (): void => lines.close()
  input.on('error', close).once('close', close)
  for await (const line of lines) {
    if (over.aborted) break
    if (line.trim() === '') continue
    const work = answer(engine, line, passphrase, sentence).then((said) => {
      if (said !== null) say(said)
    })
    const settled = work.finally(() => asked.delete(settled))
    asked.add(settled)
    // Whoever does not read the answers is not asked for more.
    if (output.writableNeedDrain) await drained(output, over)
  }
  await Promise.race([Promise.all(asked), aborted(over)])
  end()
}

/** Aborts when the output fails or closes. Its listener stays, so that a late EPIPE does not end the program. */
function closingOf(output: Writable): AbortSignal {
  const closing = new AbortController()
  const close = (): void => closing.abort()
  output.on('error', close).once('close', close)
  return closing.signal
}

async function drained(output: Writable, over: AbortSignal): Promise<void> {
  // Rejected by the output's error and by the signal alike: the caller looks at the signal.
  await once(output, 'drain', { signal: over }).catch(() => undefined)
}

/** Settles when this is aborted. */
function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}

async function answer(
  engine: EngineHost,
  line: string,
  passphrase: string,
  sentence: (code: ErrorCode) => string,
): Promise<string | null> {
  const incoming = readLine(line, passphrase)
  if (incoming.kind === 'refused') return refusalLine(incoming)
  const result = await engine.call(incoming.name, incoming.input as never)
  return incoming.id === undefined ? null : answerLine(incoming.id, result, sentence)
}

/** Unlocks, tells the state, and from then on what changes; answers how to end that. */
async function open(
  engine: EngineHost,
  passphrase: string,
  tell: (notice: Notice) => void,
): Promise<() => void> {
  const notices = new Notices()
  const early: Delta[] = []
  let take = (delta: Delta): void => void early.push(delta)
  const end = engine.onDelta((delta) => take(delta))
  await unlock(engine, passphrase)
  const newest = new Map<string, number>()
  for (const { conversationId } of conversationsOf((await snapshotOf(engine)).state)) {
    const page = await engine.call('conversation.messages', { conversationId, before: null, limit: 1 })
    const position = page.ok ? page.value.messages[0]?.position : undefined
    if (position !== undefined) newest.set(conversationId, position)
  }
  const snapshot = await snapshotOf(engine)
  tell(notices.ready(snapshot, newest))
  take = ({ number, change }) => {
    if (number > snapshot.number) for (const notice of notices.of(change)) tell(notice)
  }
  for (const delta of early) take(delta)
  return end
}

const conversationsOf = (state: State) => (state.phase === 'ready' ? state.conversations : [])

async function snapshotOf(engine: EngineHost): Promise<CallOutput<'state.snapshot'>> {
  const snapshot = await engine.call('state.snapshot', {})
  if (!snapshot.ok) throw new CodedError(snapshot.error.code, snapshot.error.details)
  return snapshot.value
}

async function unlock(engine: EngineHost, passphrase: string): Promise<void> {
  const { state } = await snapshotOf(engine)
  if (state.phase === 'refused') throw new CodedError(state.error.code, state.error.details)
  if (state.phase !== 'locked') return
  const unlocked = await engine.call('vault.unlock', { passphrase })
  if (!unlocked.ok) throw new CodedError(unlocked.error.code, unlocked.error.details)
}
