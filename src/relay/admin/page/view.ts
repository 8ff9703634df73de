import type { RelayText } from '../../../text/relay.ts'
import type { Right } from '../rights.ts'
import type { ShownSession } from '../routes.ts'

/** What a view may do with the page around it. */
export interface Shell {
  readonly text: RelayText
  readonly session: ShownSession
  may(right: Right): boolean
  /** A moment as people read it. */
  moment(ms: number): string
  day(ms: number): string
  /** Says what was done. */
  say(sentence: string): void
  /** Runs an act; what it throws is shown as a sentence. */
  run(work: () => Promise<void>): Promise<void>
  /** Asks before an act; the reason that was given, or null when it was not confirmed. */
  confirm(question: Question): Promise<string | null>
  show(place: Place): void
}

export interface Question {
  readonly title: string
  readonly explanation: string
  readonly confirm: string
  readonly reason: boolean
}

export type Place =
  | { readonly name: 'overview' | 'alerts' | 'accounts' | 'journal' }
  | { readonly name: 'account'; readonly accountId: string }

export type View = (shell: Shell) => Promise<readonly Node[]>
