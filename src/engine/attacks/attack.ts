import type { ErrorCode } from '../../base/errors.ts'
import type { Alert } from '../../contract/index.ts'
import type { Stage } from './stage.ts'

/** What a person sees of it, where it is no error. */
type Notice = Alert['kind'] | 'deviceAdded' | 'request' | 'undecryptable' | 'unknown'

/** One thing that a malicious relay, or somebody it helps, can try. */
export interface Attack {
  /** In the words of whoever does it. */
  readonly does: string
  /**
   * `blocked`: nothing that a person sees has changed. `shown`: the person is told. `healed`: it is put right by itself, and
   * nothing is lost.
   */
  readonly comesOf: 'blocked' | 'shown' | 'healed'
  /** What it gives: the code that is written down or shown; null: there was nothing to refuse. */
  readonly gives: ErrorCode | Notice | null
  /** Answers what it gave. Throws when more came of it than may. */
  run(stage: Stage): Promise<string | null>
}

export function requireThat(holds: boolean, otherwise: string): void {
  if (!holds) throw new Error(otherwise)
}
