import { sameBytes } from '../../base/bytes.ts'
import type { ErrorCode } from '../../base/errors.ts'
import { exhausted } from '../../base/exhaustive.ts'
import { decodeContent, encodeContent } from '../../content/content.ts'
import { checkedReaction, wireReaction } from '../../content/reactions.ts'
import { plainText, type MessageText } from '../../content/text.ts'
import {
  newMessage,
  reduceMessage,
  type MessageChange,
  type MessageState,
  type Version,
} from '../../content/rules/messageState.ts'
import type { Sql } from '../../storage/binding.ts'
import { readAcknowledgements, writeAcknowledgement } from '../../storage/repositories/acknowledgements.ts'
import type { MessageRow } from '../../storage/repositories/messages.ts'
import { readEdits, setDeleted, writeVersion } from '../../storage/repositories/messageVersions.ts'
import { readReactions, writeReaction } from '../../storage/repositories/reactions.ts'
import type { Tx } from '../../storage/vault.ts'

/** What a stored version says. Messages of older vaults have their words only. */
export function textOf(stored: Pick<MessageRow, 'text' | 'body'>): MessageText {
  if (stored.body === null) return plainText(stored.text)
  const { body } = decodeContent(stored.body)
  return body.kind === 'text' ? body : plainText(stored.text)
}

/** A version as the vault keeps it: an encoded content with that text. */
export function storedText(messageId: MessageRow['messageId'], sentAt: number, text: MessageText) {
  const content = { messageId, sentAt, profileKey: null, resentEnvelopeId: null }
  return encodeContent({ ...content, body: { kind: 'text', ...text } })
}

/**
 * One change of a message, by whoever it is: the rules of `src/content` decide, the vault keeps. Null when it was taken
 * (or was known), else the code of the refusal; nothing has then changed.
 */
export function changeMessage(tx: Tx, row: MessageRow, change: MessageChange): ErrorCode | null {
  const before = stateOf(tx, row)
  if (before === null) return 'content.notAllowed'
  const reduced = reduceMessage(before, change)
  if (!reduced.ok) return reduced.code
  if (reduced.state !== before) keep(tx, row, change, reduced.state)
  return null
}

/** Null for what is no message of a person. `text`: what the row says, where it is at hand. */
export function stateOf(sql: Sql, row: MessageRow, text: MessageText = textOf(row)): MessageState | null {
  if (row.kind !== 'text') return null
  const { authorId, messageId, sentAt } = row
  const first = newMessage({ authorId, messageId, sentAt, text })
  return {
    ...first,
    versions: row.deletedAt === null ? versionsOf(sql, row, first.versions) : [],
    deletedAt: row.deletedAt,
    reactions: new Map(
      (row.answered ? readReactions(sql, row) : []).map(({ personId, sentAt: at, changeId, ...placed }) => [
        personId,
        { sentAt: at, changeId, reaction: checkedReaction(placed) },
      ]),
    ),
    acknowledgements: new Map(
      (row.answered ? readAcknowledgements(sql, row) : []).map(({ personId, acknowledgedAt }) => [
        personId,
        acknowledgedAt,
      ]),
    ),
  }
}

function versionsOf(sql: Sql, row: MessageRow, only: readonly Version[]): readonly Version[] {
  if (row.editedAt === null) return only
  const all = readEdits(sql, row.position).map((edit): Version => ({
    sentAt: edit.sentAt,
    changeId: edit.editId,
    text: textOf(edit),
  }))
  const [original, ...edits] = all
  return original === undefined ? only : [...edits.toReversed(), original]
}

function keep(tx: Tx, row: MessageRow, change: MessageChange, after: MessageState): void {
  const { sentAt, changeId, from: personId } = change
  switch (change.kind) {
    case 'edit': {
      const version = after.versions.find((one) => sameBytes(one.changeId, changeId))
      if (version === undefined) return
      const body = storedText(row.messageId, row.sentAt, version.text)
      writeVersion(tx, row.position, { editId: changeId, sentAt, text: version.text.text, body })
      return
    }
    case 'deleteForEveryone':
      setDeleted(tx, row.position, sentAt)
      return
    case 'reaction':
      writeReaction(tx, { message: row, personId, sentAt, changeId, ...wireReaction(change.reaction) })
      return
    case 'acknowledgement':
      writeAcknowledgement(tx, { message: row, personId, acknowledgedAt: sentAt, changeId })
      return
  }
  return exhausted(change)
}
