import { useText } from '../../../context.tsx'
import type { RowContext } from './messageRow.tsx'

/** What a message answers to, in its author's copy. It leads to the message itself. */
export function QuoteBlock({ message, nameOf, roving, onJump }: RowContext) {
  const text = useText()
  const { quote } = message
  if (quote === null) return null
  const author = nameOf(quote.authorId)
  const excerpt = quote.excerpt.replaceAll(/\s+/gu, ' ').trim()
  return (
    <button
      type="button"
      className="quote"
      aria-label={text('thread.quoteGo', { author, excerpt })}
      tabIndex={roving ? 0 : -1}
      onClick={() => onJump(quote)}
    >
      <b>{author}</b> <span aria-hidden="true">·</span> <span dir="auto">{excerpt}</span>
    </button>
  )
}
