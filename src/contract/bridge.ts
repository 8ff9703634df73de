import type { Result } from '../base/errors.ts'
import type { CallInput, CallName, CallOutput } from './calls.ts'
import type { Delta } from './view.ts'

/**
 * What the preload puts on `window.valise`: one function a call of the contract, and the deltas.
 * Answers come as results, for an exception loses its code on the way over IPC.
 */
export interface Bridge {
  readonly calls: { readonly [N in CallName]: (input: CallInput<N>) => Promise<Result<CallOutput<N>>> }
  /** Returns the function that ends it. */
  readonly onDelta: (listener: (delta: Delta) => void) => () => void
}
