import type { MessageInitShape } from '@bufbuild/protobuf'
import {
  accountBytes,
  checkedAccount,
  checkedList,
  checkedRef,
  checkedTime,
  checkedTimer,
  checkedUtf8,
  requireThat,
  wireRef,
  type MessageRef,
} from './checks.ts'
import type { FormatRange as WireFormat, Text, TextSchema } from './content_pb.ts'
import { excerptBytes, textBytes, textRanges } from './limits.ts'

/** Numbered by their place, from 1: only ever appended to. */
export const formatStyles = ['bold', 'italic', 'strike', 'monospace'] as const
export type FormatStyle = (typeof formatStyles)[number]

/** A number of a newer version's list: kept, not shown. */
export interface UnknownNumber {
  readonly unknown: number
}

/** Characters as a person sees them. */
export const graphemes = new Intl.Segmenter('und', { granularity: 'grapheme' })

/** UTF-16 code units of the text; neither end lies within a surrogate pair, and it is never empty. */
export interface Range {
  readonly start: number
  readonly length: number
}
export interface FormatRange extends Range {
  readonly style: FormatStyle | UnknownNumber
}
export interface Mention extends Range {
  readonly accountId: string
}
/** The author's copy of what is answered to; shown only where the message itself is not there. */
export interface Quote {
  readonly message: MessageRef
  readonly excerpt: string
}

export interface MessageText {
  readonly text: string
  readonly formats: readonly FormatRange[]
  readonly mentions: readonly Mention[]
  readonly quote: Quote | null
  /** 0: stays. */
  readonly timerSeconds: number
  /** The author asks for it to be taken into account; `deadline` null: without one. */
  readonly acknowledgementRequest: { readonly deadline: number | null } | null
}

/** A text with nothing else to it. Checks nothing: `outgoingText` does. */
export function plainText(text: string): MessageText {
  return { text, formats: [], mentions: [], quote: null, timerSeconds: 0, acknowledgementRequest: null }
}

export function wireText(text: MessageText): MessageInitShape<typeof TextSchema> {
  return {
    body: text.text,
    formats: text.formats.map(({ start, length, style }) => ({ start, length, style: styleNumber(style) })),
    mentions: text.mentions.map(({ start, length, accountId }) => ({
      start,
      length,
      account: accountBytes(accountId),
    })),
    timerSeconds: text.timerSeconds,
    ...(text.quote && { quote: { message: wireRef(text.quote.message), excerpt: text.quote.excerpt } }),
    ...(text.acknowledgementRequest && {
      acknowledgementRequest: { deadline: BigInt(text.acknowledgementRequest.deadline ?? 0) },
    }),
  }
}

export function checkedText(wire: Text | undefined): MessageText {
  requireThat(wire !== undefined && wire.body !== '')
  const text = checkedUtf8(wire.body, textBytes)
  return {
    text,
    formats: checkedList(wire.formats, textRanges, (format) => checkedFormat(format, text)),
    mentions: checkedList(wire.mentions, textRanges, (mention) => ({
      ...checkedRange(mention, text),
      accountId: checkedAccount(mention.account),
    })),
    quote: wire.quote
      ? {
          message: checkedRef(wire.quote.message),
          excerpt: checkedUtf8(wire.quote.excerpt, excerptBytes),
        }
      : null,
    timerSeconds: checkedTimer(wire.timerSeconds),
    acknowledgementRequest: wire.acknowledgementRequest
      ? { deadline: checkedTime(wire.acknowledgementRequest.deadline) || null }
      : null,
  }
}

/** Throws `content.malformed` for a range that does not lie on whole characters of the text. */
export function checkedRange({ start, length }: Range, text: string): Range {
  const whole = Number.isSafeInteger(start) && Number.isSafeInteger(length)
  requireThat(whole && start >= 0 && length > 0 && start + length <= text.length)
  requireThat(!splitsPair(text, start) && !splitsPair(text, start + length))
  return { start, length }
}

function checkedFormat(format: WireFormat, text: string): FormatRange {
  requireThat(format.style > 0)
  const style = formatStyles[format.style - 1] ?? { unknown: format.style }
  return { ...checkedRange(format, text), style }
}

function styleNumber(style: FormatStyle | UnknownNumber): number {
  return typeof style === 'string' ? formatStyles.indexOf(style) + 1 : style.unknown
}

function splitsPair(text: string, at: number): boolean {
  return /^[\ud800-\udbff][\udc00-\udfff]$/.test(text.slice(Math.max(at - 1, 0), at + 1))
}
