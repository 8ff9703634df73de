import { sameBytes, type Bytes } from '../../base/bytes.ts'
import type { ErrorCode } from '../../base/errors.ts'
import { exhausted } from '../../base/exhaustive.ts'
import { editWindowMs } from '../limits.ts'
import type { Reaction } from '../reactions.ts'
import type { MessageText } from '../text.ts'
import { compareStamps, newest, type Stamp } from './order.ts'

export interface Version extends Stamp {
  readonly text: MessageText
}
export interface PlacedReaction extends Stamp {
  /** Null: taken back. Kept, so that an older one that comes late does not return. */
  readonly reaction: Reaction | null
}

/** A text message and all that was done to it. A deleted one has no versions: only that it was there is left. */
export interface MessageState {
  readonly authorId: string
  readonly messageId: Bytes
  /** Of the original, by the author's clock: the window for edits counts from it. */
  readonly sentAt: number
  /** The one shown first, then by age; the last is the original. */
  readonly versions: readonly Version[]
  readonly deletedAt: number | null
  /** By account. */
  readonly reactions: ReadonlyMap<string, PlacedReaction>
  /** When each account took it into account; an act of theirs, which stays even where the message is deleted. */
  readonly acknowledgements: ReadonlyMap<string, number>
}

export type MessageChange = Stamp & { readonly from: string } & (
    | { readonly kind: 'edit'; readonly text: MessageText }
    | { readonly kind: 'deleteForEveryone' }
    | { readonly kind: 'reaction'; readonly reaction: Reaction | null }
    | { readonly kind: 'acknowledgement' }
  )

export type Refusal = Extract<
  ErrorCode,
  'message.notEditable' | 'message.notDeletable' | 'content.notAllowed'
>

/** `state` is the same object where nothing changed. */
export type Reduced =
  { readonly ok: true; readonly state: MessageState } | { readonly ok: false; readonly code: Refusal }

export function newMessage(
  original: Pick<MessageState, 'authorId' | 'messageId' | 'sentAt'> & { readonly text: MessageText },
): MessageState {
  const { authorId, messageId, sentAt, text } = original
  return {
    authorId,
    messageId,
    sentAt,
    versions: [{ sentAt, changeId: messageId, text }],
    deletedAt: null,
    reactions: new Map(),
    acknowledgements: new Map(),
  }
}

/**
 * One change, of this account or another's: the same rules for what leaves and for what arrives. In whatever order and
 * however often changes come, the state is the same in the end. The caller has found the message in the conversation
 * that the change belongs to, so `from` is one of its members.
 */
export function reduceMessage(state: MessageState, change: MessageChange): Reduced {
  switch (change.kind) {
    case 'edit':
      return edited(state, change)
    case 'deleteForEveryone':
      return deleted(state, change)
    case 'reaction':
      return reacted(state, change)
    case 'acknowledgement':
      return acknowledged(state, change)
  }
  return exhausted(change)
}

/** Null for a deleted message. */
export function currentVersion(state: MessageState): Version | null {
  return state.versions[0] ?? null
}

export function isEdited(state: MessageState): boolean {
  return state.versions.length > 1
}

/** What people show at present, without what was taken back. */
export function shownReactions(state: MessageState): ReadonlyMap<string, Reaction> {
  const shown = new Map<string, Reaction>()
  for (const [account, { reaction }] of state.reactions) if (reaction !== null) shown.set(account, reaction)
  return shown
}

type ChangeOf<K extends MessageChange['kind']> = Extract<MessageChange, { kind: K }>

function edited(state: MessageState, change: ChangeOf<'edit'>): Reduced {
  const original = state.versions.at(-1)
  const byAuthor = change.from === state.authorId
  // Clocks of the author's devices differ: an edit may well be dated before the message.
  const inTime = Math.abs(change.sentAt - state.sentAt) <= editWindowMs
  if (original === undefined || !byAuthor || !inTime) return { ok: false, code: 'message.notEditable' }
  if (state.versions.some((version) => sameChange(version, change))) return { ok: true, state }
  const { timerSeconds, acknowledgementRequest } = original.text
  // An edit changes what is said; how long the message stays and what it asks for do not change under the reader.
  const version: Version = {
    sentAt: change.sentAt,
    changeId: change.changeId,
    text: { ...change.text, timerSeconds, acknowledgementRequest },
  }
  const edits = [...state.versions.slice(0, -1), version].toSorted((a, b) => compareStamps(b, a))
  return { ok: true, state: { ...state, versions: [...edits, original] } }
}

function deleted(state: MessageState, change: ChangeOf<'deleteForEveryone'>): Reduced {
  if (change.from !== state.authorId) return { ok: false, code: 'message.notDeletable' }
  if (state.deletedAt !== null && state.deletedAt <= change.sentAt) return { ok: true, state }
  return { ok: true, state: { ...state, versions: [], deletedAt: change.sentAt, reactions: new Map() } }
}

function reacted(state: MessageState, change: ChangeOf<'reaction'>): Reduced {
  if (state.deletedAt !== null) return { ok: false, code: 'content.notAllowed' }
  const { sentAt, changeId, reaction } = change
  const kept = state.reactions.get(change.from) ?? null
  const placed = newest<PlacedReaction>(kept, { sentAt, changeId, reaction })
  if (placed === kept) return { ok: true, state }
  return { ok: true, state: { ...state, reactions: new Map(state.reactions).set(change.from, placed) } }
}

function acknowledged(state: MessageState, change: ChangeOf<'acknowledgement'>): Reduced {
  if (change.from === state.authorId) return { ok: false, code: 'content.notAllowed' }
  const kept = state.acknowledgements.get(change.from)
  if (kept !== undefined && kept <= change.sentAt) return { ok: true, state }
  const acknowledgements = new Map(state.acknowledgements).set(change.from, change.sentAt)
  return { ok: true, state: { ...state, acknowledgements } }
}

function sameChange(a: Stamp, b: Stamp): boolean {
  return a.sentAt === b.sentAt && sameBytes(a.changeId, b.changeId)
}
