import type {
  AccountSettings,
  ConversationView,
  MessageView,
  Person,
  ReadyState,
} from '../src/contract/index.ts'

/** Whole views for tests: what a test says nothing about is plain. Nothing of the page imports this. */

export const peerId = '00000000-0000-4000-8000-000000000001'
export const ownId = '00000000-0000-4000-8000-000000000002'

export function personSample(accountId = peerId): Person {
  return { accountId, displayName: 'A', title: '', service: '', organisation: '' }
}

export function conversationSample(over: Partial<ConversationView> = {}): ConversationView {
  return {
    conversationId: peerId,
    person: personSample(),
    preview: null,
    activeAt: 0,
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
    ...over,
  }
}

export function messageSample(position: number, over: Partial<MessageView> = {}): MessageView {
  return {
    messageId: position.toString(16).padStart(32, '0'),
    conversationId: peerId,
    position,
    authorId: peerId,
    own: false,
    kind: 'text',
    text: '',
    formats: [],
    mentions: [],
    quote: null,
    sentAt: position,
    editedAt: null,
    deleted: false,
    reactions: [],
    acknowledgement: null,
    expiresAt: null,
    timerSeconds: 0,
    note: null,
    delivery: 'received',
    error: null,
    ...over,
  }
}

export const settingsSample: AccountSettings = {
  deliveryReceipts: true,
  readReceipts: true,
  typingNotices: false,
}

export function readySample(over: Partial<ReadyState> = {}): ReadyState {
  return {
    phase: 'ready',
    managed: { relayAddress: null, passphraseRequired: false, passphraseMinLength: 1, helpContact: '' },
    account: { person: personSample(ownId), deviceId: 1, deviceName: 'd', relayAddress: 'r' },
    connection: { state: 'online', since: 0, nextAttemptAt: null, queued: 0, error: null },
    settings: settingsSample,
    alerts: [],
    conversations: [],
    ...over,
  }
}
