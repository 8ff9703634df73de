import type {
  Appearance,
  ConversationView,
  Delta,
  MessageRef,
  MessageView,
  ReadyState,
  Snapshot,
  State,
} from '../../src/contract/index.ts'

/** The messages of one conversation that this page holds: the newest ones, without a hole, oldest first. */
export interface Thread {
  readonly messages: readonly MessageView[]
  /** Older messages exist than the first one held. */
  readonly more: boolean
  /** False until the newest page has arrived, and again after a gap in the deltas. */
  readonly current: boolean
  readonly underWay: PageUnderWay | null
}

export interface PageUnderWay {
  /** Which request is awaited; the answer to an earlier one is not taken. */
  readonly request: number
  /** What deltas said since, in their order. It is laid over the page, which may have been read before them. */
  readonly told: readonly Told[]
}

export interface Told {
  readonly ref: MessageRef
  /** Null: it was removed. */
  readonly message: MessageView | null
}

export interface Model {
  /** Number of the last delta contained; -1 before the first snapshot. */
  readonly number: number
  readonly appearance: Appearance
  readonly state: State
  readonly threads: Readonly<Record<string, Thread>>
  /** Deltas that came out of turn, by number; they wait for a snapshot. */
  readonly early: readonly Delta[]
  /** A snapshot has to be asked for. */
  readonly behind: boolean
}

/** Everything that moves the model. */
export type Input =
  | { readonly kind: 'snapshot'; readonly snapshot: Snapshot }
  | { readonly kind: 'delta'; readonly delta: Delta }
  | { readonly kind: 'pageAsked'; readonly conversationId: string; readonly request: number }
  | {
      readonly kind: 'page'
      readonly conversationId: string
      readonly request: number
      /** The position before which was asked; null for the newest page. */
      readonly before: number | null
      readonly messages: readonly MessageView[]
      readonly more: boolean
    }
  | { readonly kind: 'pageFailed'; readonly conversationId: string; readonly request: number }

export const emptyThread: Thread = { messages: [], more: true, current: false, underWay: null }

/** The language of the first paint, before the snapshot tells the real one. */
export const initialModel: Model = {
  number: -1,
  appearance: { locale: 'fr', theme: null },
  state: { phase: 'starting' },
  threads: {},
  early: [],
  behind: true,
}

export function readyOf(model: Model): ReadyState | null {
  return model.state.phase === 'ready' ? model.state : null
}

export function conversationOf(model: Model, conversationId: string | null): ConversationView | null {
  if (conversationId === null) return null
  return readyOf(model)?.conversations.find((one) => one.conversationId === conversationId) ?? null
}
