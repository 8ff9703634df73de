import type { Result } from '../base/errors.ts'
import type { CallInput, CallOutput, Delta, EngineCallName, Locale } from '../contract/index.ts'
import type { EffectivePolicy, PolicyFinding } from '../policy/index.ts'

/** Wraps small secrets with the operating system's key store; main gives it, over safeStorage. */
export interface OsKeyStore {
  /** False where there is none, or one that protects nothing (`basic_text`). */
  available(): Promise<boolean>
  /** Throws `vault.keyStoreRefused` when the key store does not answer or is locked. */
  wrap(secret: Uint8Array): Promise<Uint8Array>
  unwrap(wrapped: Uint8Array): Promise<Uint8Array>
}

/** Everything an engine needs to know before it starts; plain data, so that it can cross to a thread. */
export interface EngineOptions {
  /** Folder of this profile; made with mode 0700 when it does not exist. */
  readonly profile: string
  readonly policy: EffectivePolicy
  /** What was wrong with the policy files; goes to the journal. */
  readonly policyFindings: readonly PolicyFinding[]
  /** Valise's own version, for the journal. */
  readonly version: string
  /** Language until the vault says otherwise. */
  readonly locale: Locale
  /** Proposal for the workstation's name. */
  readonly deviceName: string
}

/**
 * The engine as main, the command line and tests see it, whether it runs in a thread or beside them.
 * Inputs have been parsed by the caller's gate; `call` never throws: a failure is a coded result.
 */
export interface EngineHost {
  call<N extends EngineCallName>(name: N, input: CallInput<N>): Promise<Result<CallOutput<N>>>
  onDelta(listener: (delta: Delta) => void): () => void
  /** Commits what is under way, closes the vault, ends the connection. Idempotent. */
  stop(): Promise<void>
}
