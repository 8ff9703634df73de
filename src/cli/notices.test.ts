import { describe, expect, it } from 'vitest'
import type { Alert, Change, ConversationView, MessageView, Snapshot, State } from '../contract/index.ts'
import { Notices } from './notices.ts'

const account = '00000000-0000-4000-8000-000000000001'
const managed = { relayAddress: null, passphraseRequired: true, passphraseMinLength: 12, helpContact: '' }

// Only what a notice is decided by; the rest of a view goes through untouched.
const message = (position: number, parts: Partial<MessageView> = {}): MessageView =>
  ({ conversationId: account, position, kind: 'text', ...parts }) as MessageView
const conversation = (parts: Partial<ConversationView>): ConversationView =>
  ({
    conversationId: account,
    standing: 'accepted',
    identity: 'known',
    held: 0,
    ...parts,
  }) as ConversationView
const alert = (alertId: number): Alert => ({ alertId, kind: 'deviceAdded', deviceName: '', at: 0 })
const state = (parts: Partial<Extract<State, { phase: 'ready' }>>): State =>
  ({ phase: 'ready', managed, conversations: [], alerts: [], ...parts }) as State
const waiting = (link: { code: string; expiresAt: number } | null): State => ({
  phase: 'enrolment',
  managed,
  osKeyStore: false,
  deviceName: '',
  link,
})

function begun(standing: State, newest: [string, number][] = []): (change: Change) => string[] {
  const notices = new Notices()
  const snapshot: Snapshot = { number: 1, appearance: { locale: 'fr', theme: null }, state: standing }
  expect(notices.ready(snapshot, new Map(newest))).toEqual({ method: 'ready', params: snapshot })
  return (change) => notices.of(change).map(({ method }) => method)
}

describe('notices', () => {
  it('tell a message once as new, and then as changed, in the order of the thread', () => {
    const told = begun(state({}), [[account, 4]])
    const messages = (...list: MessageView[]): string[] => told({ kind: 'messages', messages: list })
    expect(messages(message(4))).toEqual(['messageChanged'])
    expect(messages(message(6), message(5), message(3))).toEqual(['messageChanged', 'message', 'message'])
    expect(messages(message(6))).toEqual(['messageChanged'])
    expect(messages(message(1, { conversationId: 'another' }))).toEqual(['message'])
  })

  it('tell what could at last be read as new', () => {
    const told = begun(state({}))
    const messages = (...list: MessageView[]): string[] => told({ kind: 'messages', messages: list })
    expect(messages(message(1, { kind: 'undecryptable' }), message(2))).toEqual(['message', 'message'])
    expect(messages(message(1, { kind: 'undecryptable' }))).toEqual(['messageChanged'])
    expect(messages(message(1))).toEqual(['message'])
    expect(messages(message(1))).toEqual(['messageChanged'])
  })

  it('tell a request once, and again when it comes again', () => {
    const told = begun(state({ conversations: [conversation({ standing: 'request' })] }))
    const seen = (standing: ConversationView['standing']): string[] =>
      told({ kind: 'conversation', conversation: conversation({ standing }) })
    expect(seen('request')).toEqual(['conversation'])
    expect(seen('accepted')).toEqual(['conversation'])
    expect(seen('request')).toEqual(['conversation', 'request'])
  })

  it('tell how many envelopes wait for a decision, whenever that changes', () => {
    const told = begun(state({}))
    const seen = (identity: ConversationView['identity'], held: number): string[] =>
      told({ kind: 'conversation', conversation: conversation({ identity, held }) })
    expect(seen('changed', 0)).toEqual(['conversation', 'held'])
    expect(seen('changed', 0)).toEqual(['conversation'])
    expect(seen('changed', 2)).toEqual(['conversation', 'held'])
    expect(seen('known', 0)).toEqual(['conversation'])
    expect(seen('changed', 2)).toEqual(['conversation', 'held'])
  })

  it('tell each alert once', () => {
    const told = begun(state({ alerts: [alert(1)] }))
    expect(told({ kind: 'alerts', alerts: [alert(1), alert(2)] })).toEqual(['alert'])
    expect(told({ kind: 'alerts', alerts: [alert(2)] })).toEqual([])
  })

  it('tell the code of a link, another one, and its end', () => {
    const told = begun(waiting(null))
    const seen = (standing: State): string[] => told({ kind: 'state', state: standing })
    expect(seen(waiting({ code: 'A', expiresAt: 1 }))).toEqual(['state', 'link'])
    expect(seen(waiting({ code: 'A', expiresAt: 1 }))).toEqual(['state'])
    expect(seen(waiting({ code: 'B', expiresAt: 2 }))).toEqual(['state', 'link'])
    expect(seen(state({}))).toEqual(['state', 'link'])
  })
})
