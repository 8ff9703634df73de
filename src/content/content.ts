import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import { copyBytes, type Bytes } from '../base/bytes.ts'
import { CodedError } from '../base/errors.ts'
import { ContentSchema, DeliveryReceiptSchema, TextSchema } from './content_pb.ts'

/** UTF-8 limit of a message's text. */
export const textBytes = 16 * 1024
/** Ids that one delivery receipt may name; a catch-up of many messages sends several receipts. */
export const receiptIds = 200
const messageIdBytes = 16
/** The last moment that a Date can hold, ms since the epoch (ECMA-262 21.4.1.1); past it no reader could be shown one. */
export const lastSentAt = 8.64e15

export interface TextBody {
  readonly kind: 'text'
  readonly text: string
}
export interface DeliveryReceiptBody {
  readonly kind: 'deliveryReceipt'
  readonly messageIds: readonly Bytes[]
}
/** A body of a newer version: shown as such, kept as it came. */
export interface UnknownBody {
  readonly kind: 'unknown'
  readonly raw: Bytes
}
export type Body = TextBody | DeliveryReceiptBody | UnknownBody

export interface Content {
  readonly messageId: Bytes
  /** ms since the epoch, by the author's clock. */
  readonly sentAt: number
  readonly body: Body
}

export type WritableContent = Content & { readonly body: TextBody | DeliveryReceiptBody }

export function encodeContent(content: WritableContent): Bytes {
  const message = create(ContentSchema, { messageId: content.messageId, sentAt: BigInt(content.sentAt) })
  switch (content.body.kind) {
    case 'text':
      message.body = { case: 'text', value: create(TextSchema, { body: content.body.text }) }
      break
    case 'deliveryReceipt': {
      const messageIds = [...content.body.messageIds]
      message.body = { case: 'deliveryReceipt', value: create(DeliveryReceiptSchema, { messageIds }) }
      break
    }
  }
  return toBinary(ContentSchema, message)
}

/** Throws `content.malformed` for what no version of Valise writes; the caller then quarantines the envelope. */
export function decodeContent(bytes: Uint8Array): Content {
  const message = parsed(bytes)
  const sentAt = Number(message.sentAt)
  if (message.messageId.length !== messageIdBytes || sentAt > lastSentAt) {
    throw new CodedError('content.malformed')
  }
  const common = { messageId: copyBytes(message.messageId), sentAt }
  switch (message.body.case) {
    case 'text':
      return { ...common, body: { kind: 'text', text: checkedText(message.body.value.body) } }
    case 'deliveryReceipt':
      return {
        ...common,
        body: { kind: 'deliveryReceipt', messageIds: checkedIds(message.body.value.messageIds) },
      }
    case undefined:
      return { ...common, body: { kind: 'unknown', raw: copyBytes(bytes) } }
  }
}

function parsed(bytes: Uint8Array) {
  try {
    return fromBinary(ContentSchema, bytes)
  } catch {
    throw new CodedError('content.malformed')
  }
}

function checkedText(text: string): string {
  const length = Buffer.byteLength(text, 'utf8')
  if (length === 0 || length > textBytes) throw new CodedError('content.malformed')
  return text
}

function checkedIds(ids: readonly Uint8Array[]): Bytes[] {
  if (ids.length === 0 || ids.length > receiptIds) throw new CodedError('content.malformed')
  return ids.map((id) => {
    if (id.length !== messageIdBytes) throw new CodedError('content.malformed')
    return copyBytes(id)
  })
}

/**
 * A text as it is sent: line ends are `\n`, no other control characters, no lone surrogates.
 * Throws `message.empty` and `message.tooLarge` (UTF-8 bytes).
 */
export function outgoingText(typed: string): string {
  const text = typed
    .replaceAll(/\r\n?/g, '\n')
    .toWellFormed()
    .replaceAll(/(?![\t\n])\p{Cc}/gu, '')
  if (text.trim() === '') throw new CodedError('message.empty')
  const bytes = Buffer.byteLength(text, 'utf8')
  if (bytes > textBytes) throw new CodedError('message.tooLarge', { bytes, limit: textBytes })
  return text
}
