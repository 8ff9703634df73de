import { sameBytes, type Bytes } from '../../base/bytes.ts'
import type { GenerationVerdict } from '../../wire/generation.ts'
import type { AcceptedVault, VaultState } from './deviceStore.ts'

/** What the relay keeps of a device's vault. */
export interface GenerationState {
  /** The token that was confirmed last, by which run, and whether that run stopped in order. */
  readonly last: Bytes | null
  readonly holder: Bytes | null
  readonly stopped: boolean
  /** The token that was given out since, and to which run. */
  readonly pending: Bytes | null
  readonly pendingHolder: Bytes | null
  /** The highest queue id that was acknowledged. */
  readonly acknowledged: number
}

export interface Judgement {
  readonly verdict: GenerationVerdict
  readonly state: GenerationState
}

/**
 * Judges what a device presents. A pending token was committed in the vault: its confirmation was lost, and it counts
 * as confirmed by the run it was given to. What can be neither the last state nor the one after it is foreign; that
 * holds before the first confirmation too, for a vault that shows a token of elsewhere.
 */
export function judge(before: GenerationState, vault: VaultState): Judgement {
  if (before.last !== null && sameBytes(before.last, restoredToken)) return judgeRestored(before, vault)
  const state = promoted(before, vault.token)
  if (!isKnown(state, vault)) return { verdict: 'foreign', state: before }
  if (state.last === null) return { verdict: 'first', state }
  const same = state.stopped || (state.holder !== null && sameBytes(state.holder, vault.holder))
  return { verdict: same ? 'current' : 'unsure', state }
}

/**
 * In the place of a last token: the relay itself was put back from a backup, and what was given out since is not known.
 * No vault is given it, for tokens are random.
 */
export const restoredToken: Bytes = new Uint8Array(16)

/** Whatever it shows is taken once, as that of a vault that may not be the last one; one behind the backup is foreign. */
function judgeRestored(before: GenerationState, vault: VaultState): Judgement {
  if (vault.takenUpTo < before.acknowledged) return { verdict: 'foreign', state: before }
  const last = vault.token.length === 0 ? null : vault.token
  const state = { ...before, last, holder: null, stopped: false, pending: null, pendingHolder: null }
  return { verdict: last === null ? 'first' : 'unsure', state }
}

function promoted(state: GenerationState, token: Bytes): GenerationState {
  if (state.pending === null || !sameBytes(state.pending, token)) return state
  return {
    ...state,
    last: state.pending,
    holder: state.pendingHolder,
    stopped: false,
    pending: null,
    pendingHolder: null,
  }
}

function isKnown(state: GenerationState, vault: VaultState): boolean {
  if (vault.takenUpTo < state.acknowledged) return false
  return state.last === null ? vault.token.length === 0 : sameBytes(state.last, vault.token)
}

export function offered(state: GenerationState, token: Bytes, holder: Bytes): GenerationState {
  return { ...state, pending: token, pendingHolder: holder }
}

/** Null for a token that is not pending. */
export function confirmed(
  state: GenerationState,
  confirmation: {
    readonly token: Bytes
    readonly holder: Bytes
    readonly stopping: boolean
    readonly accepted: AcceptedVault | null
  },
): GenerationState | null {
  const { token, holder, stopping, accepted } = confirmation
  if (state.pending === null || !sameBytes(state.pending, token)) return null
  // What was acknowledged on this very connection is newer than the vault that was judged.
  const behind = accepted !== null && accepted.acknowledged === state.acknowledged
  return {
    last: token,
    holder,
    stopped: stopping,
    pending: null,
    pendingHolder: null,
    acknowledged: behind ? accepted.takenUpTo : state.acknowledged,
  }
}
