import { CodedError } from '../base/errors.ts'
import { checkedTimer, requireThat } from './checks.ts'
import { excerptBytes, textBytes, textRanges } from './limits.ts'
import { checkedRange, graphemes, plainText, type MessageText, type Range } from './text.ts'

/**
 * A text as it is sent: line ends are `\n`, no other control characters, no lone surrogates.
 * Throws `message.empty` and `message.tooLarge` (UTF-8 bytes).
 */
export function outgoingText(typed: string): string {
  return sendable(cleaned(typed))
}

/**
 * The same with all that belongs to it. Ranges count code units of what was typed and move along; one that covers only
 * what was removed is left out. A quote's excerpt is cut to its limit. Throws `message.empty`, `message.tooLarge`, and
 * `content.malformed` for ranges and timers that no recipient would take.
 */
export function outgoingMessage(
  typed: string,
  { formats = [], mentions = [], quote = null, ...rest }: Partial<Omit<MessageText, 'text'>>,
): MessageText {
  const text = outgoingText(typed)
  const move = mover(typed)
  requireThat(formats.length <= textRanges && mentions.length <= textRanges)
  checkedTimer(rest.timerSeconds ?? 0)
  return {
    ...plainText(text),
    ...rest,
    formats: formats.flatMap(move),
    mentions: mentions.flatMap(move),
    quote: quote && { ...quote, excerpt: excerptOf(quote.excerpt) },
  }
}

/** The beginning of a text, cut between characters as a person sees them, for a quote of it. */
export function excerptOf(text: string): string {
  let [bytes, end] = [0, 0]
  // No more code units than bytes can fit.
  for (const { segment } of graphemes.segment(text.slice(0, excerptBytes + 1).toWellFormed())) {
    bytes += Buffer.byteLength(segment, 'utf8')
    if (bytes > excerptBytes) break
    end += segment.length
  }
  return text.slice(0, end).toWellFormed()
}

/** A `\r` before a `\n` goes with the other control characters; alone it is a line end. */
const removed = /\r(?=\n)|(?![\t\n\r])\p{Cc}/gu

function cleaned(typed: string): string {
  return typed.toWellFormed().replaceAll(removed, '').replaceAll('\r', '\n')
}

function sendable(text: string): string {
  if (text.trim() === '') throw new CodedError('message.empty')
  const bytes = Buffer.byteLength(text, 'utf8')
  if (bytes > textBytes) throw new CodedError('message.tooLarge', { bytes, limit: textBytes })
  return text
}

/** Cleaning removes code units and replaces others one by one: a place moves by what was removed before it. */
function mover(typed: string): <R extends Range>(range: R) => R[] {
  const gone = [...typed.toWellFormed().matchAll(removed)].map((match) => match.index)
  const moved = (at: number): number => at - gone.filter((index) => index < at).length
  return (range) => {
    checkedRange(range, typed)
    const start = moved(range.start)
    const length = moved(range.start + range.length) - start
    return length === 0 ? [] : [{ ...range, start, length }]
  }
}
