import type { Body } from '../body.ts'
import type { MessageRef } from '../checks.ts'
import type { Content } from '../content.ts'
import type { MessageChange } from './messageState.ts'

/**
 * The messages that a content is about. Where one of them is not there yet, the engine keeps the content until it comes:
 * the relay promises no order between senders, and a receipt may overtake the copy of what it confirms.
 */
export function targetsOf(
  body: Body,
  { from, own }: { readonly from: string; readonly own: string },
): readonly MessageRef[] {
  switch (body.kind) {
    case 'edit':
    case 'deleteForEveryone':
      return [{ authorId: from, messageId: body.messageId }]
    case 'reaction':
    case 'acknowledgement':
      return [body.message]
    case 'deliveryReceipt':
    case 'readReceipt':
      return body.messageIds.map((messageId) => ({ authorId: own, messageId }))
    case 'readUpTo':
    case 'deleteForMe':
      return body.messages
    case 'text':
    case 'typing':
    case 'timerChange':
    case 'profileKeyUpdate':
    case 'sentMessage':
    case 'conversationSettings':
    case 'accountKeys':
    case 'identityDecision':
    case 'accountSettings':
    case 'unknown':
      return []
  }
}

/** The change of a message that a content asks for, for `reduceMessage`; null for every other kind. */
export function changeOf({ body, messageId, sentAt }: Content, from: string): MessageChange | null {
  const change = { from, sentAt, changeId: messageId }
  switch (body.kind) {
    case 'edit':
      return { ...change, kind: body.kind, text: body.text }
    case 'reaction':
      return { ...change, kind: body.kind, reaction: body.reaction }
    case 'deleteForEveryone':
    case 'acknowledgement':
      return { ...change, kind: body.kind }
    default:
      return null
  }
}
