import type { Result } from '../src/base/errors.ts'
import type { Bridge, CallInput, CallName, CallOutput } from '../src/contract/index.ts'
import type { Delta } from '../src/contract/index.ts'

/** The renderer's only way out: the calls of the contract, and what it is told. */
export interface Client {
  /** Never rejects: a bridge that fails is a defect and answers `internal`. */
  readonly call: <N extends CallName>(name: N, input: CallInput<N>) => Promise<Result<CallOutput<N>>>
  readonly onDelta: (listener: (delta: Delta) => void) => () => void
}

export function createClient(bridge: Bridge): Client {
  return {
    call: async (name, input) => {
      try {
        return await bridge.calls[name](input)
      } catch {
        return { ok: false, error: { code: 'internal', details: {} } }
      }
    },
    onDelta: bridge.onDelta,
  }
}
