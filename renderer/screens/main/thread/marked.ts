import type { Format, Mention } from '../../../../src/contract/index.ts'
import { linkify } from './linkify.ts'

/** A piece of a message that looks the same from its beginning to its end. */
export interface MarkedPiece {
  readonly text: string
  readonly styles: readonly Format['style'][]
  /** What `link.open` may be asked to open. */
  readonly address: string | null
  /** The account that is mentioned here. */
  readonly mentioned: string | null
}

interface Range {
  readonly start: number
  readonly length: number
}

/**
 * The paragraphs of a message (they end at empty lines) cut into pieces. Ranges are clipped to the text and never cut a
 * character in two; a range that says nonsense marks nothing. Put together, the pieces of a paragraph are its text.
 */
export function marked(
  text: string,
  formats: readonly Format[],
  mentions: readonly Mention[],
): readonly (readonly MarkedPiece[])[] {
  const links = linkSpans(text)
  const whole = <R extends Range>(range: R): R => aligned(text, range)
  const styled = formats.map(whole)
  const named = mentions.map(whole)
  return paragraphSpans(text).map((paragraph) => {
    const edges = [...links, ...styled, ...named].flatMap(({ start, length }) => [start, start + length])
    const cuts = [paragraph.start, ...edges, paragraph.start + paragraph.length]
      .filter((at) => at >= paragraph.start && at <= paragraph.start + paragraph.length)
      .toSorted((a, b) => a - b)
      .filter((at, index, all) => index === 0 || at !== all[index - 1])
    return cuts.slice(0, -1).map((start, index) => ({
      text: text.slice(start, cuts[index + 1]),
      styles: [...new Set(styled.filter((one) => covers(one, start)).map((one) => one.style))],
      address: links.find((one) => covers(one, start))?.address ?? null,
      mentioned: named.find((one) => covers(one, start))?.accountId ?? null,
    }))
  })
}

function covers({ start, length }: Range, at: number): boolean {
  return at >= start && at < start + length
}

function linkSpans(text: string): readonly (Range & { readonly address: string })[] {
  let start = 0
  return linkify(text).flatMap((piece) => {
    const span = { start, length: piece.text.length }
    start += piece.text.length
    return piece.kind === 'link' ? [{ ...span, address: piece.address }] : []
  })
}

function paragraphSpans(text: string): readonly Range[] {
  let start = 0
  return text.split(/(\n{2,})/u).flatMap((part) => {
    const span = { start, length: part.length }
    start += part.length
    return part.trim() === '' ? [] : [span]
  })
}

function aligned<R extends Range>(text: string, range: R): R {
  const start = wholeCharacter(text, Math.min(range.start, text.length))
  const end = wholeCharacter(text, Math.min(range.start + range.length, text.length))
  return { ...range, start, length: end - start }
}

/** Before the second half of a character outside of Unicode's first plane. */
function wholeCharacter(text: string, at: number): number {
  const split = /[\ud800-\udbff]/.test(text[at - 1] ?? '') && /[\udc00-\udfff]/.test(text[at] ?? '')
  return split ? at - 1 : at
}

/**
 * Ranges after an edit of the text: what lies before the change stays, what lies behind moves, what encloses it
 * stretches; a range that the change cut into is gone. The change is one stretch, as one act of typing makes it.
 */
export function carried<R extends Range>(ranges: readonly R[], before: string, after: string): readonly R[] {
  const shorter = Math.min(before.length, after.length)
  let head = 0
  while (head < shorter && before[head] === after[head]) head += 1
  let tail = 0
  while (tail < shorter - head && before.at(-1 - tail) === after.at(-1 - tail)) tail += 1
  const changeEnd = before.length - tail
  const grown = after.length - before.length
  return ranges.flatMap((range) => {
    const end = range.start + range.length
    if (end <= head) return [range]
    if (range.start >= changeEnd) return [{ ...range, start: range.start + grown }]
    if (range.start <= head && end >= changeEnd && range.length + grown > 0) {
      return [{ ...range, length: range.length + grown }]
    }
    return []
  })
}
