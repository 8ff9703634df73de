import type {
  Appearance,
  CallInput,
  CallName,
  CallOutput,
  Change,
  ConversationView,
  Delta,
  DeviceView,
  MessageRef,
  MessageVersion,
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
  readonly devices: readonly DeviceView[]
  /** Former versions of messages, the newest first, by message id. */
  readonly versions: Readonly<Record<string, readonly MessageVersion[]>>
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
  const versions = new Map(Object.entries(scenario.versions).map(([id, all]) => [id, [...all]]))
  let devices = [...scenario.devices]
  /** Rises with each identity that was accepted, so that numbers differ. */
  let identities = 0
  const failures = new Map<CallName, ErrorReport>()
  const held = new Map<CallName, (() => void)[]>()

  const apply = (change: Change): void => {
    number += 1
    if (change.kind === 'state') state = change.state
    else if (change.kind === 'appearance') appearance = change.appearance
    else if (change.kind === 'connection' && state.phase === 'ready') {
      state = { ...state, connection: change.connection }
    } else if (change.kind === 'settings' && state.phase === 'ready') {
      state = { ...state, settings: change.settings }
    } else if (change.kind === 'alerts' && state.phase === 'ready') {
      state = { ...state, alerts: change.alerts }
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
        all.filter((one) => one.messageId !== change.messageId || one.authorId !== change.authorId),
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
  const revise = (ref: MessageRef, part: (message: MessageView) => Partial<MessageView>): Result<object> => {
    const message = find(ref.messageId)
    if (!message || message.authorId !== ref.authorId) return no('message.notFound')
    emit({ kind: 'messages', messages: [{ ...message, ...part(message) }] })
    return ok({})
  }
  const ownIn = (current: State): string =>
    current.phase === 'ready' ? current.account.person.accountId : ''
  const blank = (conversationId: string, messageId: string): MessageView => ({
    messageId,
    conversationId,
    position: ((messages.get(conversationId) ?? []).at(-1)?.position ?? 0) + 1,
    authorId: ownIn(state),
    own: true,
    kind: 'text',
    text: '',
    formats: [],
    mentions: [],
    quote: null,
    sentAt: Date.now(),
    editedAt: null,
    deleted: false,
    reactions: [],
    acknowledgement: null,
    expiresAt: null,
    timerSeconds: conversation(conversationId)?.timerSeconds ?? 0,
    note: null,
    delivery: 'received',
    error: null,
  })
  const note = (conversationId: string, said: MessageView['note']): void => {
    const line = blank(conversationId, crypto.randomUUID().replaceAll('-', ''))
    emit({ kind: 'messages', messages: [{ ...line, kind: 'system', note: said }] })
  }
  const safetyNumber = (accountId: string): string[] =>
    Array.from({ length: 12 }, (_, index) => {
      const seed = Number.parseInt(accountId.slice(-4), 16) + identities + 1
      return String((seed * 7919 * (index + 3) * 104_729) % 100_000).padStart(5, '0')
    })
  let attempts = 5
  let codes = 0

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
      // As the relay does: when more people match than a page holds, their number comes first.
      if (after === null && all.length > 25) return ok({ people: [], next: '0', total: all.length })
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
            standing: 'accepted',
            identity: 'known',
            timerSeconds: 0,
            mutedUntil: 0,
            pinned: false,
            archived: false,
            typing: false,
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
    'conversation.typing': () => ok({}),
    'conversation.timer': ({ conversationId, seconds }) => {
      change(conversationId, { timerSeconds: seconds })
      note(conversationId, { kind: 'timerChanged', seconds, own: true })
      return ok({})
    },
    'conversation.accept': ({ conversationId }) => {
      change(conversationId, { standing: 'accepted' })
      return ok({})
    },
    'conversation.block': ({ conversationId, blocked }) => {
      change(conversationId, { standing: blocked ? 'blocked' : 'accepted' })
      return ok({})
    },
    'conversation.settings': ({ conversationId, ...given }) => {
      const was = conversation(conversationId)
      if (!was) return no('conversation.notFound')
      change(conversationId, {
        mutedUntil: given.mutedUntil ?? was.mutedUntil,
        pinned: given.pinned ?? was.pinned,
        archived: given.archived ?? was.archived,
      })
      return ok({})
    },
    'identity.safetyNumber': ({ accountId }) => {
      const one = conversation(accountId)
      if (!one || one.identity === 'unknown') return no('identity.unknown')
      return ok({
        groups: safetyNumber(accountId),
        scannable: 'AA',
        pending: one.identity === 'changed',
        verified: one.identity === 'verified',
      })
    },
    'identity.accept': ({ accountId, groups }) => {
      if (conversation(accountId)?.identity !== 'changed') return no('identity.notPending')
      if (groups.join() !== safetyNumber(accountId).join()) {
        identities += 1
        return no('identity.superseded')
      }
      change(accountId, { identity: 'known', held: 0 })
      note(accountId, { kind: 'identityAccepted', verified: false })
      return ok({})
    },
    'identity.verify': ({ accountId, verified, groups }) => {
      if (!conversation(accountId)) return no('identity.unknown')
      if (groups.join() !== safetyNumber(accountId).join()) return no('identity.superseded')
      if (conversation(accountId)?.identity === 'changed') {
        change(accountId, { held: 0 })
        note(accountId, { kind: 'identityAccepted', verified })
      }
      change(accountId, { identity: verified ? 'verified' : 'known' })
      return ok({})
    },
    'message.send': ({ conversationId, messageId, text, formats, mentions, quote, acknowledgement }) => {
      if (state.phase !== 'ready') return no('ipc.notReady')
      if (conversation(conversationId)?.standing === 'blocked') return no('conversation.blocked')
      const offline = state.connection.state === 'offline'
      const quoted = quote ? find(quote.messageId) : undefined
      const message: MessageView = {
        ...blank(conversationId, messageId),
        text,
        formats: formats ?? [],
        mentions: mentions ?? [],
        quote: quote ? { ...quote, excerpt: (quoted?.text ?? '').slice(0, 120) } : null,
        acknowledgement: acknowledgement ? { ...acknowledgement, by: [] } : null,
        delivery: offline ? 'queued' : 'sending',
      }
      emit({ kind: 'messages', messages: [message] })
      change(conversationId, {
        preview: { text, own: true, delivery: message.delivery },
        activeAt: Date.now(),
        queued: (conversation(conversationId)?.queued ?? 0) + (offline ? 1 : 0),
      })
      return ok({})
    },
    'message.edit': ({ messageId, text, formats, mentions }) => {
      const before = find(messageId)
      if (!before?.own || before.deleted) return no('message.notEditable')
      const former = { text: before.text, formats: before.formats, mentions: before.mentions }
      const all = versions.get(messageId) ?? []
      versions.set(messageId, [{ ...former, sentAt: before.editedAt ?? before.sentAt }, ...all])
      const after = { text, formats: formats ?? [], mentions: mentions ?? [], editedAt: Date.now() }
      return revise(before, () => after) as Result<Record<string, never>>
    },
    'message.versions': ({ messageId }) => {
      const message = find(messageId)
      if (!message) return no('message.notFound')
      const { text, formats, mentions, sentAt, editedAt } = message
      const current = { text, formats, mentions, sentAt: editedAt ?? sentAt }
      return ok({ versions: [current, ...(versions.get(messageId) ?? [])] })
    },
    'message.deleteForEveryone': ({ messageId }) => {
      const message = find(messageId)
      if (!message?.own) return no('message.notDeletable')
      const bare = { deleted: true, text: '', formats: [], mentions: [], quote: null, reactions: [] }
      return revise(message, () => bare) as Result<Record<string, never>>
    },
    'message.deleteForMe': ({ conversationId, messages: refs }) => {
      for (const ref of refs) emit({ kind: 'messageRemoved', conversationId, ...ref })
      return ok({})
    },
    'message.react': ({ reaction, ...ref }) =>
      revise(ref, (message) => {
        const others = message.reactions.filter((one) => one.personId !== ownIn(state))
        return { reactions: reaction ? [...others, { personId: ownIn(state), reaction }] : others }
      }) as Result<Record<string, never>>,
    'message.acknowledge': (ref) =>
      revise(ref, ({ acknowledgement }) => ({
        acknowledgement: acknowledgement && {
          ...acknowledgement,
          by: [...acknowledgement.by, { personId: ownIn(state), at: Date.now() }],
        },
      })) as Result<Record<string, never>>,
    'device.list': () =>
      ok({ devices, limit: 3, relay: state.phase === 'ready' ? state.account.relayAddress : '' }),
    'device.link': ({ code }) => {
      if (code.replaceAll(/[^A-Z0-9]/gu, '') !== 'K7QM24XD9PLAW3RTY6BN') return no('link.unknown')
      const deviceId = Math.max(0, ...devices.map((one) => one.deviceId)) + 1
      const added = { name: 'CAB-207', current: false, fingerprint: 'c4'.repeat(32) }
      devices = [...devices, { ...added, deviceId, addedAt: Date.now(), lastSeenDay: Date.now() }]
      return ok({ deviceId })
    },
    'device.remove': ({ deviceId }) => {
      if (!devices.some((one) => one.deviceId === deviceId)) return no('device.notFound')
      devices = devices.filter((one) => one.deviceId !== deviceId)
      return ok({})
    },
    'account.settings': (input) => {
      if (state.phase !== 'ready') return no('ipc.notReady')
      const was = state.settings
      const settings = {
        deliveryReceipts: input.deliveryReceipts ?? was.deliveryReceipts,
        readReceipts: input.readReceipts ?? was.readReceipts,
        typingNotices: input.typingNotices ?? was.typingNotices,
      }
      emit({ kind: 'settings', settings })
      return ok(settings)
    },
    'alert.dismiss': ({ alertId }) => {
      if (state.phase !== 'ready') return no('ipc.notReady')
      emit({ kind: 'alerts', alerts: state.alerts.filter((one) => one.alertId !== alertId) })
      return ok({})
    },
    'link.begin': () => {
      if (state.phase !== 'enrolment') return no('ipc.notReady')
      const code = ['K7QM24XD9PLAW3RTY6BN', 'Z2XW45CV67BNMKJHGFDS'][codes % 2] ?? ''
      codes += 1
      const link = { code, expiresAt: Date.now() + 600_000 }
      const waiting = { ...state, link }
      setTimeout(() => emit({ kind: 'state', state: waiting }), 0)
      return ok(link)
    },
    'link.cancel': () => {
      if (state.phase === 'enrolment') emit({ kind: 'state', state: { ...state, link: null } })
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
      const { conversationId, authorId } = message
      emit({ kind: 'messageRemoved', conversationId, authorId, messageId })
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
