import type {
  Appearance,
  CallInput,
  CallName,
  CallOutput,
  Change,
  ConversationView,
  Delta,
  MessageView,
  Person,
  State,
} from '../../src/contract/index.ts'
import type { ErrorReport, Result } from '../../src/base/errors.ts'

/** What the page finds when it starts. Serialised into it. */
export interface Scenario {
  readonly appearance: Appearance
  readonly state: State
  readonly messages: Readonly<Record<string, readonly MessageView[]>>
  readonly people: readonly Person[]
  /** The ready state that enrolment and unlocking lead to. */
  readonly after: State
  readonly passphrase: string
  readonly invitations: Readonly<Record<string, CallOutput<'enrolment.inspect'>>>
  /** The page's clock at its start, ms since the epoch. */
  readonly now: number
}

/** What a test may do to the engine behind the page. */
export interface FakeControl {
  readonly calls: { readonly name: CallName; readonly input: unknown }[]
  /** Sends a delta with the next number. */
  readonly emit: (change: Change) => void
  /** Changes the state without telling: the next delta leaves a gap. */
  readonly lose: (change: Change) => void
  /** The next call of that name fails so. */
  readonly fail: (name: CallName, error: ErrorReport) => void
  /** Holds the answers of that name back until `release`. */
  readonly hold: (name: CallName) => void
  readonly release: (name: CallName) => void
}

/**
 * Stands in for preload and engine: a real `Bridge` in the page, test-only. It runs in the page, so it is one
 * function that closes over nothing.
 */
export function installFakeEngine(scenario: Scenario): void {
  let number = 1
  let appearance = scenario.appearance
  let state = scenario.state
  const messages = new Map<string, MessageView[]>(
    Object.entries(scenario.messages).map(([id, all]) => [id, [...all]]),
  )
  const listeners = new Set<(delta: Delta) => void>()
  const calls: { name: CallName; input: unknown }[] = []
  const failures = new Map<CallName, ErrorReport>()
  const held = new Map<CallName, (() => void)[]>()

  const apply = (change: Change): void => {
    number += 1
    if (change.kind === 'state') state = change.state
    else if (change.kind === 'appearance') appearance = change.appearance
    else if (change.kind === 'connection' && state.phase === 'ready') {
      state = { ...state, connection: change.connection }
    } else if (change.kind === 'conversation' && state.phase === 'ready') {
      const others = state.conversations.filter(
        (one) => one.conversationId !== change.conversation.conversationId,
      )
      state = { ...state, conversations: [...others, change.conversation] }
    } else if (change.kind === 'messages') {
      for (const message of change.messages) {
        const all = (messages.get(message.conversationId) ?? []).filter(
          (one) => one.messageId !== message.messageId,
        )
        messages.set(
          message.conversationId,
          [...all, message].sort((a, b) => a.position - b.position),
        )
      }
    } else if (change.kind === 'messageRemoved') {
      const all = messages.get(change.conversationId) ?? []
      messages.set(
        change.conversationId,
        all.filter((one) => one.messageId !== change.messageId),
      )
    }
  }
  const emit = (change: Change): void => {
    apply(change)
    const delta = { number, change }
    listeners.forEach((listener) => listener(delta))
  }
  const ok = <T>(value: T): Result<T> => ({ ok: true, value })
  const no = (code: ErrorReport['code'], details: ErrorReport['details'] = {}): Result<never> => ({
    ok: false,
    error: { code, details },
  })
  const conversation = (id: string): ConversationView | undefined =>
    state.phase === 'ready' ? state.conversations.find((one) => one.conversationId === id) : undefined
  const change = (id: string, part: Partial<ConversationView>): void => {
    const one = conversation(id)
    if (one) emit({ kind: 'conversation', conversation: { ...one, ...part } })
  }
  const find = (messageId: string): MessageView | undefined =>
    [...messages.values()].flat().find((one) => one.messageId === messageId)
  let attempts = 5

  const answers: { [N in CallName]: (input: CallInput<N>) => Result<CallOutput<N>> } = {
    'state.snapshot': () => ok({ number, appearance, state }),
    'enrolment.inspect': ({ invitation }) => {
      const found = scenario.invitations[invitation]
      return found ? ok(found) : no('invitation.unknown')
    },
    'enrolment.complete': () => {
      setTimeout(() => emit({ kind: 'state', state: scenario.after }), 0)
      return ok({})
    },
    'vault.unlock': ({ passphrase }) => {
      if (passphrase === scenario.passphrase) {
        setTimeout(() => emit({ kind: 'state', state: scenario.after }), 0)
        return ok({})
      }
      attempts -= 1
      return attempts > 0
        ? no('vault.passphraseWrong', { attemptsLeft: attempts })
        : no('vault.passphraseWait', { seconds: 30 })
    },
    'directory.search': ({ query, after }) => {
      const wanted = query.toLocaleLowerCase('fr')
      const all = scenario.people.filter((one) =>
        `${one.displayName} ${one.title} ${one.service}`.toLocaleLowerCase('fr').includes(wanted),
      )
      const from = Number(after ?? 0)
      const end = from + 25
      return ok({
        people: all.slice(from, end),
        next: end < all.length ? String(end) : null,
        total: all.length,
      })
    },
    'conversation.open': ({ accountId }) => {
      const person = scenario.people.find((one) => one.accountId === accountId)
      if (!person) return no('recipient.unknown')
      if (!conversation(accountId)) {
        emit({
          kind: 'conversation',
          conversation: {
            conversationId: accountId,
            person,
            preview: null,
            activeAt: Date.now(),
            unread: 0,
            firstUnread: null,
            draft: '',
            queued: 0,
            held: 0,
          },
        })
      }
      return ok({ conversationId: accountId })
    },
    'conversation.messages': ({ conversationId, before, limit }) => {
      const all = (messages.get(conversationId) ?? []).filter(
        (one) => before === null || one.position < before,
      )
      return ok({ messages: all.slice(-limit), more: all.length > limit })
    },
    'conversation.read': ({ conversationId, position }) => {
      const later = (messages.get(conversationId) ?? []).filter((one) => !one.own && one.position > position)
      change(conversationId, { unread: later.length, firstUnread: later[0]?.position ?? null })
      return ok({})
    },
    'conversation.draft': ({ conversationId, text }) => {
      change(conversationId, { draft: text })
      return ok({})
    },
    'message.send': ({ conversationId, messageId, text }) => {
      if (state.phase !== 'ready') return no('ipc.notReady')
      const offline = state.connection.state === 'offline'
      const last = (messages.get(conversationId) ?? []).at(-1)?.position ?? 0
      const message: MessageView = {
        messageId,
        conversationId,
        position: last + 1,
        authorId: state.account.person.accountId,
        own: true,
        kind: 'text',
        text,
        sentAt: Date.now(),
        delivery: offline ? 'queued' : 'sending',
        error: null,
      }
      emit({ kind: 'messages', messages: [message] })
      change(conversationId, {
        preview: { text, own: true, delivery: message.delivery },
        activeAt: Date.now(),
        queued: (conversation(conversationId)?.queued ?? 0) + (offline ? 1 : 0),
      })
      return ok({})
    },
    'message.retry': ({ messageId }) => {
      const message = find(messageId)
      if (!message) return no('message.notFound')
      emit({ kind: 'messages', messages: [{ ...message, delivery: 'sending', error: null }] })
      return ok({})
    },
    'message.discard': ({ messageId }) => {
      const message = find(messageId)
      if (!message) return no('message.notFound')
      emit({ kind: 'messageRemoved', conversationId: message.conversationId, messageId })
      return ok({})
    },
    'connection.retry': () => ok({}),
    'appearance.set': (input) => {
      const next: Appearance = {
        locale: input.locale ?? appearance.locale,
        theme: input.theme === undefined ? appearance.theme : input.theme,
      }
      setTimeout(() => emit({ kind: 'appearance', appearance: next }), 0)
      return ok(next)
    },
    'link.open': () => ok({ opened: true }),
    'window.control': () => ok({}),
  }

  const answer = async (name: CallName, input: never): Promise<unknown> => {
    calls.push({ name, input })
    const waiting = held.get(name)
    if (waiting) await new Promise<void>((go) => waiting.push(go))
    await new Promise((go) => setTimeout(go, 0))
    const failure = failures.get(name)
    failures.delete(name)
    return failure ? { ok: false, error: failure } : answers[name](input)
  }
  const bridge = {
    calls: Object.fromEntries(
      (Object.keys(answers) as CallName[]).map((name) => [name, (input: never) => answer(name, input)]),
    ),
    onDelta: (listener: (delta: Delta) => void) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
  const fake: FakeControl = {
    calls,
    emit,
    lose: apply,
    fail: (name, error) => void failures.set(name, error),
    hold: (name) => void held.set(name, []),
    release: (name) => {
      const waiting = held.get(name) ?? []
      held.delete(name)
      waiting.forEach((go) => go())
    },
  }
  Object.assign(globalThis, { valise: bridge, fake })
}
