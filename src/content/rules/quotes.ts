import { sameBytes } from '../../base/bytes.ts'
import type { MessageRef } from '../checks.ts'
import type { MessageText } from '../text.ts'

/** A text without what it repeats of a message that its author has deleted. The same object where it repeats nothing. */
export function withoutExcerptOf(deleted: MessageRef, text: MessageText): MessageText {
  const { quote } = text
  if (quote === null || quote.excerpt === '' || !isSameMessage(quote.message, deleted)) return text
  return { ...text, quote: { ...quote, excerpt: '' } }
}

function isSameMessage(a: MessageRef, b: MessageRef): boolean {
  return a.authorId === b.authorId && sameBytes(a.messageId, b.messageId)
}
