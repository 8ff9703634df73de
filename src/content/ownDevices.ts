import { copyBytes, type Bytes } from '../base/bytes.ts'
import {
  accountBytes,
  bytesOrNull,
  checkedAccount,
  checkedBytes,
  checkedNonEmpty,
  checkedRef,
  checkedTime,
  requireThat,
  wireRef,
  type MessageRef,
} from './checks.ts'
import type * as wire from './content_pb.ts'
import { identityKeyBytes, identityKeyPairBytes, noticeMessages, profileKeyBytes } from './limits.ts'

// What the devices of one account tell each other.

/** What this account has sent from another device. */
export interface SentMessageBody {
  readonly kind: 'sentMessage'
  /** The account that it went to. */
  readonly destination: string
  /** An encoded content, as it left; never one for own devices. As bytes, so that fields of newer versions survive. */
  readonly content: Bytes
}
export interface ReadUpToBody {
  readonly kind: 'readUpTo'
  readonly conversationId: string
  readonly messages: readonly MessageRef[]
}
/** Null: stays as it was. */
export type ConversationSettings = {
  readonly accepted: boolean | null
  readonly blocked: boolean | null
  /** 0: not muted. */
  readonly mutedUntil: number | null
  readonly pinned: boolean | null
  readonly archived: boolean | null
}
export interface ConversationSettingsBody {
  readonly kind: 'conversationSettings'
  readonly conversationId: string
  readonly settings: ConversationSettings
  readonly changedAt: number
}
export interface DeleteForMeBody {
  readonly kind: 'deleteForMe'
  readonly conversationId: string
  readonly messages: readonly MessageRef[]
}
/** Null: unchanged; at least one is there. */
export interface AccountKeysBody {
  readonly kind: 'accountKeys'
  /** libsignal's IdentityKeyPair; only its length is checked here. */
  readonly identityKeyPair: Bytes | null
  readonly profileKey: Bytes | null
  readonly changedAt: number
}
export interface IdentityDecisionBody {
  readonly kind: 'identityDecision'
  readonly accountId: string
  /** The key that was decided about, 33 bytes. */
  readonly identityKey: Bytes
  readonly accepted: boolean
  readonly verified: boolean
  readonly decidedAt: number
}
/** Null: stays as it was. */
export type AccountSettings = {
  readonly deliveryReceipts: boolean | null
  readonly readReceipts: boolean | null
  readonly typingNotices: boolean | null
}
export interface AccountSettingsBody {
  readonly kind: 'accountSettings'
  readonly settings: AccountSettings
  readonly changedAt: number
}

export function wireMessages({ conversationId, messages }: ReadUpToBody | DeleteForMeBody) {
  return { conversation: accountBytes(conversationId), messages: messages.map(wireRef) }
}

export function checkedMessages(value: wire.ReadUpTo | wire.DeleteForMe) {
  return {
    conversationId: checkedAccount(value.conversation),
    messages: checkedNonEmpty(value.messages, noticeMessages, checkedRef),
  }
}

export function wireConversationSettings({ conversationId, settings, changedAt }: ConversationSettingsBody) {
  return {
    conversation: accountBytes(conversationId),
    accepted: settings.accepted ?? undefined,
    blocked: settings.blocked ?? undefined,
    mutedUntil: settings.mutedUntil === null ? undefined : BigInt(settings.mutedUntil),
    pinned: settings.pinned ?? undefined,
    archived: settings.archived ?? undefined,
    changedAt: BigInt(changedAt),
  }
}

export function checkedConversationSettings(value: wire.ConversationSettings): ConversationSettingsBody {
  requireThat(value.changedAt !== undefined)
  return {
    kind: 'conversationSettings',
    conversationId: checkedAccount(value.conversation),
    settings: {
      accepted: value.accepted ?? null,
      blocked: value.blocked ?? null,
      mutedUntil: value.mutedUntil === undefined ? null : checkedTime(value.mutedUntil),
      pinned: value.pinned ?? null,
      archived: value.archived ?? null,
    },
    changedAt: checkedTime(value.changedAt),
  }
}

export function wireAccountKeys({ identityKeyPair, profileKey, changedAt }: AccountKeysBody) {
  return {
    identityKeyPair: identityKeyPair ?? new Uint8Array(),
    profileKey: profileKey ?? new Uint8Array(),
    changedAt: BigInt(changedAt),
  }
}

export function checkedAccountKeys(value: wire.AccountKeys): AccountKeysBody {
  const { identityKeyPair } = value
  requireThat(identityKeyPair.length <= identityKeyPairBytes)
  requireThat(identityKeyPair.length > 0 || value.profileKey.length > 0)
  return {
    kind: 'accountKeys',
    identityKeyPair: identityKeyPair.length === 0 ? null : copyBytes(identityKeyPair),
    profileKey: bytesOrNull(value.profileKey, profileKeyBytes),
    changedAt: checkedTime(value.changedAt),
  }
}

export function wireIdentityDecision(body: IdentityDecisionBody) {
  const { identityKey, accepted, verified } = body
  const account = accountBytes(body.accountId)
  return { account, identityKey, accepted, verified, decidedAt: BigInt(body.decidedAt) }
}

export function checkedIdentityDecision(value: wire.IdentityDecision): IdentityDecisionBody {
  return {
    kind: 'identityDecision',
    accountId: checkedAccount(value.account),
    identityKey: checkedBytes(value.identityKey, identityKeyBytes),
    accepted: value.accepted,
    verified: value.verified,
    decidedAt: checkedTime(value.decidedAt),
  }
}

export function wireAccountSettings({ settings, changedAt }: AccountSettingsBody) {
  return {
    deliveryReceipts: settings.deliveryReceipts ?? undefined,
    readReceipts: settings.readReceipts ?? undefined,
    typingNotices: settings.typingNotices ?? undefined,
    changedAt: BigInt(changedAt),
  }
}

export function checkedAccountSettings(value: wire.AccountSettings): AccountSettingsBody {
  return {
    kind: 'accountSettings',
    settings: {
      deliveryReceipts: value.deliveryReceipts ?? null,
      readReceipts: value.readReceipts ?? null,
      typingNotices: value.typingNotices ?? null,
    },
    changedAt: checkedTime(value.changedAt),
  }
}
