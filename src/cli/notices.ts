import { exhausted } from '../base/exhaustive.ts'
import type { Change, ConversationView, MessageView, ReadyState, Snapshot } from '../contract/index.ts'

/** One thing that a script is told without asking; `params` are what the contract calls them. */
export interface Notice {
  readonly method: NoticeName
  readonly params: unknown
}

export const noticeNames = [
  /** The whole state, once, before anything else. */
  'ready',
  /** The phase has changed: the whole of the new one. */
  'state',
  /** The code to type on the other device; null when the wait is over. */
  'link',
  'message',
  'messageChanged',
  'messageRemoved',
  /** A stranger has written and waits to be accepted. */
  'request',
  /** An identity has changed, or more was received under it: it waits for a decision. */
  'held',
  'conversation',
  'alert',
  'connection',
  'settings',
  'appearance',
] as const
export type NoticeName = (typeof noticeNames)[number]

/** Turns the engine's changes into notices: what is new apart from what was seen before. Pure but for what it has seen. */
export class Notices {
  /** Of each conversation: its newest message so far. */
  readonly #newest = new Map<string, number>()
  /** Messages that could not be read yet: when they can, they are new. */
  readonly #marks = new Set<number>()
  readonly #held = new Map<string, number>()
  readonly #requests = new Set<string>()
  #alerts = new Set<number>()
  #code: string | null = null

  /** `newest`: the positions of the newest messages that are there already, by conversation. */
  ready(snapshot: Snapshot, newest: ReadonlyMap<string, number>): Notice {
    for (const [conversationId, position] of newest) this.#newest.set(conversationId, position)
    if (snapshot.state.phase === 'ready') this.#see(snapshot.state)
    return { method: 'ready', params: snapshot }
  }

  of(change: Change): readonly Notice[] {
    switch (change.kind) {
      case 'state':
        return this.#state(change)
      case 'messages':
        return change.messages
          .toSorted((one, other) => one.position - other.position)
          .map((message) => ({
            method: this.#isNew(message) ? 'message' : 'messageChanged',
            params: message,
          }))
      case 'messageRemoved': {
        const { conversationId, authorId, messageId } = change
        return [{ method: 'messageRemoved', params: { conversationId, authorId, messageId } }]
      }
      case 'conversation':
        return this.#conversation(change.conversation)
      case 'alerts': {
        const known = this.#alerts
        this.#alerts = new Set(change.alerts.map(({ alertId }) => alertId))
        return change.alerts
          .filter(({ alertId }) => !known.has(alertId))
          .map((alert) => ({ method: 'alert', params: alert }))
      }
      case 'connection':
        return [{ method: 'connection', params: change.connection }]
      case 'settings':
        return [{ method: 'settings', params: change.settings }]
      case 'appearance':
        return [{ method: 'appearance', params: change.appearance }]
    }
    return exhausted(change)
  }

  #see({ conversations, alerts }: ReadyState): void {
    for (const conversation of conversations) this.#conversation(conversation)
    this.#alerts = new Set(alerts.map(({ alertId }) => alertId))
  }

  #state({ state }: Extract<Change, { kind: 'state' }>): readonly Notice[] {
    if (state.phase === 'ready') this.#see(state)
    const link = state.phase === 'enrolment' ? state.link : null
    const before = this.#code
    this.#code = link?.code ?? null
    const told: Notice = { method: 'state', params: state }
    return this.#code === before ? [told] : [told, { method: 'link', params: link }]
  }

  #isNew({ conversationId, position, kind }: MessageView): boolean {
    const isLater = position > (this.#newest.get(conversationId) ?? 0)
    if (isLater) this.#newest.set(conversationId, position)
    if (kind === 'undecryptable') this.#marks.add(position)
    // What was sent again stands where its mark stood.
    else if (this.#marks.delete(position)) return true
    return isLater
  }

  #conversation(conversation: ConversationView): readonly Notice[] {
    const { conversationId, standing, identity, held } = conversation
    const told: Notice[] = [{ method: 'conversation', params: conversation }]
    const asks = standing === 'request' && !this.#requests.has(conversationId)
    if (standing === 'request') this.#requests.add(conversationId)
    else this.#requests.delete(conversationId)
    if (asks) told.push({ method: 'request', params: conversation })
    if (identity !== 'changed') this.#held.delete(conversationId)
    else if (this.#held.get(conversationId) !== held) {
      this.#held.set(conversationId, held)
      told.push({ method: 'held', params: conversation })
    }
    return told
  }
}
