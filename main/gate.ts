import { reportOf, type ErrorCode, type Result } from '../src/base/errors.ts'
import {
  callChannel,
  callInputCharacters,
  callNames,
  calls,
  errorReportSchema,
  type CallInput,
  type CallName,
  type CallOutput,
  type Phase,
} from '../src/contract/index.ts'
import { jsonSize } from './jsonSize.ts'

/** Who sent a call, as far as the gate asks; taken from the event, never from what was sent. */
export interface Sender {
  /** Origin of the frame that sent it; null when that frame is gone. */
  readonly origin: string | null
  readonly isMainFrame: boolean
  readonly isRegisteredWindow: boolean
}

/** Answers a call whose input has passed the gate. A thrown value becomes a coded result. */
export type Answer = <N extends CallName>(name: N, input: CallInput<N>) => Promise<Result<CallOutput<N>>>

export interface GateOptions {
  readonly origin: string
  readonly phase: () => Phase
  readonly answer: Answer
  /** Told of every refusal and of every defect: codes and names of calls only (rule 1). */
  readonly report: (call: CallName, code: ErrorCode) => void
}

export type Gate = (name: CallName, sender: Sender, input: unknown) => Promise<Result<unknown>>

function refuse(code: ErrorCode): Result<never> {
  return { ok: false, error: { code, details: {} } }
}

/**
 * SECURITY 6: the one gate of all IPC. Sender, size, schema and phase are checked in this order before anything runs;
 * what goes back is parsed too. Never throws: an exception would lose its code on the way and could carry text.
 */
export function createGate(options: GateOptions): Gate {
  return async (name, sender, input) => {
    const result = await pass(options, name, sender, input)
    if (!result.ok && (result.error.code === 'internal' || result.error.code.startsWith('ipc.'))) {
      options.report(name, result.error.code)
    }
    return result
  }
}

async function pass(
  options: GateOptions,
  name: CallName,
  sender: Sender,
  input: unknown,
): Promise<Result<unknown>> {
  const { origin, isMainFrame, isRegisteredWindow } = sender
  if (origin !== options.origin || !isMainFrame || !isRegisteredWindow) return refuse('ipc.foreignSender')
  const size = jsonSize(input, callInputCharacters)
  if (size === 'tooLarge') return refuse('ipc.tooLarge')
  if (size === 'notJson') return refuse('ipc.malformed')
  const spec = calls[name]
  const parsed = spec.input.safeParse(input)
  if (!parsed.success) return refuse('ipc.malformed')
  if (!spec.phases.includes(options.phase())) return refuse('ipc.notReady')
  try {
    return checkedAnswer(name, await options.answer(name, parsed.data as CallInput<typeof name>))
  } catch (error) {
    return { ok: false, error: reportOf(error) }
  }
}

function checkedAnswer(name: CallName, result: Result<unknown>): Result<unknown> {
  if (result.ok) {
    const output = calls[name].output.safeParse(result.value)
    return output.success ? { ok: true, value: output.data } : refuse('internal')
  }
  const error = errorReportSchema.safeParse(result.error)
  return error.success ? { ok: false, error: error.data } : refuse('internal')
}

interface Handlers<E> {
  handle(channel: string, listener: (event: E, ...inputs: unknown[]) => Promise<unknown>): void
}

/** One handler for each call of the contract, by its own name: nothing is called by a name that came in. */
export function installGate<E>(ipc: Handlers<E>, gate: Gate, senderOf: (event: E) => Sender): void {
  for (const name of callNames) {
    ipc.handle(callChannel(name), (event, ...inputs) =>
      gate(name, senderOf(event), inputs.length === 1 ? inputs[0] : undefined),
    )
  }
}
