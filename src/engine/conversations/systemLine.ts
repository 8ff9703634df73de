import { randomBytes } from 'node:crypto'
import { copyBytes } from '../../base/bytes.ts'
import type { SystemNote } from '../../contract/index.ts'
import type { Address } from '../../protocol/address.ts'
import type { NewMessage } from '../../storage/repositories/messages.ts'

/** A line of Valise's own between the messages of a conversation; it is never unread. */
export function systemLine(
  conversationId: string,
  author: Address,
  own: boolean,
  note: SystemNote,
  now: number,
): NewMessage {
  return {
    conversationId,
    messageId: copyBytes(randomBytes(16)),
    authorId: author.accountId,
    authorDevice: author.deviceId,
    own,
    kind: 'system',
    text: '',
    raw: null,
    sentAt: now,
    receivedAt: now,
    delivery: 'received',
    system: JSON.stringify(note),
    readAt: now,
  }
}
