import { createStore, type StoreApi } from 'zustand/vanilla'

export type Section = 'messages' | 'directory' | 'settings'

/** What this window shows; nothing of it is kept. */
export interface View {
  readonly section: Section
  /** The open conversation. */
  readonly openId: string | null
  /** What stands in each composer that was used since the start; overrides the vault's draft. */
  readonly drafts: Readonly<Record<string, string>>
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
