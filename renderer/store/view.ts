import { createStore, type StoreApi } from 'zustand/vanilla'
import type { MessageView } from '../../src/contract/index.ts'

export type Section = 'messages' | 'directory' | 'settings'
export type SettingsPageName = 'appearance' | 'privacy' | 'devices'

/** What the composer is for, besides a new message. An edit has a text of its own: the draft waits beneath. */
export type Composing =
  | { readonly kind: 'reply'; readonly to: MessageView }
  | { readonly kind: 'edit'; readonly of: MessageView; readonly text: string }

/** What this window shows; nothing of it is kept. */
export interface View {
  readonly section: Section
  /** The open conversation. */
  readonly openId: string | null
  /** What stands in each composer that was used since the start; overrides the vault's draft. */
  readonly drafts: Readonly<Record<string, string>>
  readonly composing: Readonly<Record<string, Composing>>
  readonly settingsPage: SettingsPageName
  /** Rises with each request to move the focus into the composer. */
  readonly composerFocus: number
  /** Rises with each request to move the focus into the directory's search field. */
  readonly directoryFocus: number
}

export function createView(): StoreApi<View> {
  return createStore<View>(() => ({
    section: 'messages',
    openId: null,
    drafts: {},
    composing: {},
    settingsPage: 'appearance',
    composerFocus: 0,
    directoryFocus: 0,
  }))
}

/** Opens a conversation and puts the caret in its composer. */
export function openConversation(view: StoreApi<View>, conversationId: string): void {
  view.setState((was) => ({
    section: 'messages',
    openId: conversationId,
    composerFocus: was.composerFocus + 1,
  }))
}

export function showDirectory(view: StoreApi<View>): void {
  view.setState((was) => ({ section: 'directory', directoryFocus: was.directoryFocus + 1 }))
}

export function focusComposer(view: StoreApi<View>): void {
  view.setState((was) => ({ composerFocus: was.composerFocus + 1 }))
}

export function setDraft(view: StoreApi<View>, conversationId: string, text: string): void {
  view.setState((was) => ({ drafts: { ...was.drafts, [conversationId]: text } }))
}

/** Replies to a message or edits it, where one writes. */
export function compose(view: StoreApi<View>, conversationId: string, composing: Composing): void {
  view.setState((was) => ({
    composing: { ...was.composing, [conversationId]: composing },
    composerFocus: was.composerFocus + 1,
  }))
}

/** Back to a plain new message. */
export function composeAnew(view: StoreApi<View>, conversationId: string): void {
  view.setState((was) => {
    const { [conversationId]: left, ...others } = was.composing
    return left === undefined ? was : { composing: others }
  })
}

export function showDevices(view: StoreApi<View>): void {
  view.setState({ section: 'settings', settingsPage: 'devices' })
}
