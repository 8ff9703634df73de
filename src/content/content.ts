import { create, fromBinary, toBinary, type MessageInitShape } from '@bufbuild/protobuf'
import { copyBytes, type Bytes } from '../base/bytes.ts'
import { CodedError } from '../base/errors.ts'
import { isOwnDevicesKind, type Body } from './body.ts'
import {
  accountBytes,
  bytesOrNull,
  checkedAccount,
  checkedId,
  checkedNonEmpty,
  checkedRef,
  checkedTime,
  checkedTimer,
  requireThat,
  wireRef,
} from './checks.ts'
import { ContentSchema, type Content as WireContent, type SentMessage } from './content_pb.ts'
import { idBytes, profileKeyBytes, receiptIds } from './limits.ts'
import {
  checkedAccountKeys,
  checkedAccountSettings,
  checkedConversationSettings,
  checkedIdentityDecision,
  checkedMessages,
  wireAccountKeys,
  wireAccountSettings,
  wireConversationSettings,
  wireIdentityDecision,
  wireMessages,
  type SentMessageBody,
} from './ownDevices.ts'
import { checkedReaction, wireReaction } from './reactions.ts'
import { checkedText, wireText } from './text.ts'

export { isForOwnDevices, type Body, type BodyKind } from './body.ts'
export type { MessageRef } from './checks.ts'
export { lastSentAt, receiptIds, textBytes } from './limits.ts'
export { excerptOf, outgoingMessage, outgoingText } from './outgoing.ts'

export interface Content {
  /** Of this content, also of an edit, a receipt …; 16 bytes. */
  readonly messageId: Bytes
  /** ms since the epoch, by the author's clock. */
  readonly sentAt: number
  /** The author's, 32 bytes: with it the recipient writes back anonymously. Null: not told. */
  readonly profileKey: Bytes | null
  /** Of the envelope that could not be read and is sent again, 16 bytes. */
  readonly resentEnvelopeId: Bytes | null
  readonly body: Body
}

export interface DecodedContent extends Content {
  /** As it came. What is passed on or kept is this: it holds the fields of newer versions that `body` leaves out. */
  readonly raw: Bytes
}

/** An unknown body is encoded as it came. */
export function encodeContent(content: Content): Bytes {
  const { body } = content
  if (body.kind === 'unknown') return copyBytes(body.raw)
  const message = create(ContentSchema, {
    messageId: content.messageId,
    sentAt: BigInt(content.sentAt),
    profileKey: content.profileKey ?? new Uint8Array(),
    resentEnvelopeId: content.resentEnvelopeId ?? new Uint8Array(),
    body: wireBody(body),
  })
  return toBinary(ContentSchema, message)
}

/** Throws `content.malformed` for what no version of Valise writes; the caller then quarantines the envelope. */
export function decodeContent(bytes: Uint8Array): DecodedContent {
  return decoded(parsed(bytes), copyBytes(bytes))
}

function parsed(bytes: Uint8Array): WireContent {
  try {
    return fromBinary(ContentSchema, bytes)
  } catch {
    throw new CodedError('content.malformed')
  }
}

function decoded(message: WireContent, raw: Bytes): DecodedContent {
  const content = {
    messageId: checkedId(message.messageId),
    sentAt: checkedTime(message.sentAt),
    profileKey: bytesOrNull(message.profileKey, profileKeyBytes),
    resentEnvelopeId: bytesOrNull(message.resentEnvelopeId, idBytes),
    body: checkedBody(message.body, raw),
    raw,
  }
  requireThat(content.body.kind !== 'profileKeyUpdate' || content.profileKey !== null)
  return content
}

type WireBody = NonNullable<MessageInitShape<typeof ContentSchema>['body']>

function wireBody(body: Exclude<Body, { kind: 'unknown' }>): WireBody {
  const { kind } = body
  switch (kind) {
    case 'text':
      return { case: kind, value: wireText(body) }
    case 'deliveryReceipt':
    case 'readReceipt':
      return { case: kind, value: { messageIds: [...body.messageIds] } }
    case 'edit':
      return { case: kind, value: { messageId: body.messageId, text: wireText(body.text) } }
    case 'deleteForEveryone':
      return { case: kind, value: { messageId: body.messageId } }
    case 'reaction':
      return { case: kind, value: { message: wireRef(body.message), ...wireReaction(body.reaction) } }
    case 'acknowledgement':
      return { case: kind, value: { message: wireRef(body.message) } }
    case 'typing':
      return { case: kind, value: { typing: body.typing } }
    case 'timerChange':
      return { case: kind, value: { seconds: body.seconds } }
    case 'profileKeyUpdate':
      return { case: kind, value: {} }
    case 'sentMessage':
      return { case: kind, value: { destination: accountBytes(body.destination), content: body.content } }
    case 'readUpTo':
    case 'deleteForMe':
      return { case: kind, value: wireMessages(body) }
    case 'conversationSettings':
      return { case: kind, value: wireConversationSettings(body) }
    case 'accountKeys':
      return { case: kind, value: wireAccountKeys(body) }
    case 'identityDecision':
      return { case: kind, value: wireIdentityDecision(body) }
    case 'accountSettings':
      return { case: kind, value: wireAccountSettings(body) }
  }
}

function checkedBody(body: WireContent['body'], raw: Bytes): Body {
  const { case: kind, value } = body
  switch (kind) {
    case 'text':
      return { kind, ...checkedText(value) }
    case 'deliveryReceipt':
    case 'readReceipt':
      return { kind, messageIds: checkedNonEmpty(value.messageIds, receiptIds, checkedId) }
    case 'edit':
      return { kind, messageId: checkedId(value.messageId), text: checkedText(value.text) }
    case 'deleteForEveryone':
      return { kind, messageId: checkedId(value.messageId) }
    case 'reaction':
      return { kind, message: checkedRef(value.message), reaction: checkedReaction(value) }
    case 'acknowledgement':
      return { kind, message: checkedRef(value.message) }
    case 'typing':
      return { kind, typing: value.typing }
    case 'timerChange':
      return { kind, seconds: checkedTimer(value.seconds) }
    case 'profileKeyUpdate':
      return { kind }
    case 'sentMessage':
      return checkedSentMessage(value)
    case 'readUpTo':
    case 'deleteForMe':
      return { kind, ...checkedMessages(value) }
    case 'conversationSettings':
      return checkedConversationSettings(value)
    case 'accountKeys':
      return checkedAccountKeys(value)
    case 'identityDecision':
      return checkedIdentityDecision(value)
    case 'accountSettings':
      return checkedAccountSettings(value)
    case undefined:
      return { kind: 'unknown', raw }
  }
}

/** The content inside is checked too, and is none for own devices: contents are never nested twice. */
function checkedSentMessage({ destination, content }: SentMessage): SentMessageBody {
  const inner = parsed(content)
  requireThat(inner.body.case === undefined || !isOwnDevicesKind(inner.body.case))
  const { raw } = decoded(inner, copyBytes(content))
  return { kind: 'sentMessage', destination: checkedAccount(destination), content: raw }
}
