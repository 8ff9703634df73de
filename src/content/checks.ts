import { copyBytes, fromUuid, toUuid, type Bytes } from '../base/bytes.ts'
import { CodedError } from '../base/errors.ts'
import type { MessageRef as WireRef } from './content_pb.ts'
import { idBytes, lastSentAt, timerRange } from './limits.ts'

/** Names a message by its author: ids of two authors may collide by malice. */
export interface MessageRef {
  readonly authorId: string
  readonly messageId: Bytes
}

// Every check throws `content.malformed` for what no version of Valise writes.

export function requireThat(condition: boolean): asserts condition {
  if (!condition) throw new CodedError('content.malformed')
}

export function checkedBytes(bytes: Uint8Array, length: number): Bytes {
  requireThat(bytes.length === length)
  return copyBytes(bytes)
}

/** For fields whose absence is a value of its own. */
export function bytesOrNull(bytes: Uint8Array, length: number): Bytes | null {
  return bytes.length === 0 ? null : checkedBytes(bytes, length)
}

export function checkedId(id: Uint8Array): Bytes {
  return checkedBytes(id, idBytes)
}

export function checkedTime(time: bigint): number {
  const moment = Number(time)
  requireThat(moment <= lastSentAt)
  return moment
}

export function checkedTimer(seconds: number): number {
  requireThat(seconds === 0 || (seconds >= timerRange.shortest && seconds <= timerRange.longest))
  return seconds
}

export function checkedUtf8(text: string, limit: number): string {
  requireThat(Buffer.byteLength(text, 'utf8') <= limit)
  return text
}

export function checkedList<T, R>(items: readonly T[], most: number, check: (item: T) => R): R[] {
  requireThat(items.length <= most)
  return items.map(check)
}

export function checkedNonEmpty<T, R>(items: readonly T[], most: number, check: (item: T) => R): R[] {
  requireThat(items.length > 0)
  return checkedList(items, most, check)
}

export function checkedAccount(bytes: Uint8Array): string {
  const id = toUuid(bytes)
  requireThat(id !== null)
  return id
}

export function checkedRef(ref: WireRef | undefined): MessageRef {
  requireThat(ref !== undefined)
  return { authorId: checkedAccount(ref.author), messageId: checkedId(ref.messageId) }
}

/** An account id that is no UUID in a content of our own is a defect. */
export function accountBytes(accountId: string): Bytes {
  const bytes = fromUuid(accountId)
  if (bytes === null) throw new CodedError('internal')
  return bytes
}

export function wireRef(ref: MessageRef): { author: Bytes; messageId: Bytes } {
  return { author: accountBytes(ref.authorId), messageId: ref.messageId }
}
