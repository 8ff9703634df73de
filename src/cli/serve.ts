import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { CodedError, type ErrorCode } from '../base/errors.ts'
import type { EngineHost } from '../engine/index.ts'
import { answerLine, notificationLine, readLine, refusalLine } from './rpc.ts'

export interface ServeOptions {
  readonly engine: EngineHost
  readonly input: Readable
  readonly output: Writable
  readonly passphrase: string
  /** An error's sentence in the person's language. */
  readonly sentence: (code: ErrorCode) => string
}

/**
 * Unlocks the vault where there is one, says `ready`, then answers requests until the input ends; what was asked before
 * that is still answered. Throws the reason when the engine refuses to start or the passphrase is wrong.
 */
export async function serve(options: ServeOptions): Promise<void> {
  const { engine, input, output, passphrase, sentence } = options
  await unlock(engine, passphrase)
  const say = (line: string): boolean => output.write(`${line}\n`)
  const end = engine.onDelta((delta) => void say(notificationLine('delta', delta)))
  const snapshot = await engine.call('state.snapshot', {})
  if (snapshot.ok) say(notificationLine('ready', snapshot.value))
  const open = new Set<Promise<void>>()
  for await (const line of createInterface({ input, crlfDelay: Infinity })) {
    if (line.trim() === '') continue
    const work = answer(engine, line, passphrase, sentence).then((said) => {
      if (said !== null) say(said)
    })
    const settled = work.finally(() => open.delete(settled))
    open.add(settled)
    // Whoever does not read the answers is not asked for more.
    if (output.writableNeedDrain) await new Promise((resolve) => output.once('drain', resolve))
  }
  await Promise.all(open)
  end()
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

async function unlock(engine: EngineHost, passphrase: string): Promise<void> {
  const snapshot = await engine.call('state.snapshot', {})
  if (!snapshot.ok) throw new CodedError(snapshot.error.code, snapshot.error.details)
  const { state } = snapshot.value
  if (state.phase === 'refused') throw new CodedError(state.error.code, state.error.details)
  if (state.phase !== 'locked') return
  const unlocked = await engine.call('vault.unlock', { passphrase })
  if (!unlocked.ok) throw new CodedError(unlocked.error.code, unlocked.error.details)
}
