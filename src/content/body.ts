import type { Bytes } from '../base/bytes.ts'
import type { MessageRef } from './checks.ts'
import type {
  AccountKeysBody,
  AccountSettingsBody,
  ConversationSettingsBody,
  DeleteForMeBody,
  IdentityDecisionBody,
  ReadUpToBody,
  SentMessageBody,
} from './ownDevices.ts'
import type { Reaction } from './reactions.ts'
import type { MessageText } from './text.ts'

export interface TextBody extends MessageText {
  readonly kind: 'text'
}
/** The messages named are committed in the vault of the device that sends this. */
export interface DeliveryReceiptBody {
  readonly kind: 'deliveryReceipt'
  readonly messageIds: readonly Bytes[]
}
export interface ReadReceiptBody {
  readonly kind: 'readReceipt'
  readonly messageIds: readonly Bytes[]
}
/** `messageId` is the original's, whatever was edited before. */
export interface EditBody {
  readonly kind: 'edit'
  readonly messageId: Bytes
  readonly text: MessageText
}
export interface DeleteForEveryoneBody {
  readonly kind: 'deleteForEveryone'
  readonly messageId: Bytes
}
/** Null takes the person's reaction back. */
export interface ReactionBody {
  readonly kind: 'reaction'
  readonly message: MessageRef
  readonly reaction: Reaction | null
}
export interface AcknowledgementBody {
  readonly kind: 'acknowledgement'
  readonly message: MessageRef
}
export interface TypingBody {
  readonly kind: 'typing'
  readonly typing: boolean
}
/** 0: off. */
export interface TimerChangeBody {
  readonly kind: 'timerChange'
  readonly seconds: number
}
/** `profileKey` of the content is the whole of it, and is there. */
export interface ProfileKeyUpdateBody {
  readonly kind: 'profileKeyUpdate'
}
/** A body of a newer version: shown as such, kept as it came. `raw` is the whole content. */
export interface UnknownBody {
  readonly kind: 'unknown'
  readonly raw: Bytes
}

export type ReceiptBody = DeliveryReceiptBody | ReadReceiptBody

export type OwnDevicesBody =
  | SentMessageBody
  | ReadUpToBody
  | ConversationSettingsBody
  | DeleteForMeBody
  | AccountKeysBody
  | IdentityDecisionBody
  | AccountSettingsBody

export type Body =
  | TextBody
  | ReceiptBody
  | EditBody
  | DeleteForEveryoneBody
  | ReactionBody
  | AcknowledgementBody
  | TypingBody
  | TimerChangeBody
  | ProfileKeyUpdateBody
  | OwnDevicesBody
  | UnknownBody

export type BodyKind = Body['kind']

const forOwnDevices: Readonly<Record<OwnDevicesBody['kind'], true>> = {
  sentMessage: true,
  readUpTo: true,
  conversationSettings: true,
  deleteForMe: true,
  accountKeys: true,
  identityDecision: true,
  accountSettings: true,
}

/** Whether it may come from the account's own other devices only; from anybody else it is `content.notAllowed`. */
export function isForOwnDevices(body: Pick<Body, 'kind'>): body is OwnDevicesBody {
  return isOwnDevicesKind(body.kind)
}

/** The same, of the name alone. */
export function isOwnDevicesKind(kind: string): kind is OwnDevicesBody['kind'] {
  return Object.hasOwn(forOwnDevices, kind)
}
