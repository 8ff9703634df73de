import { createHash } from 'node:crypto'
import { copyBytes, sameBytes, toHex, type Bytes } from '../../base/bytes.ts'
import type { ErrorCode } from '../../base/errors.ts'
import { exhausted } from '../../base/exhaustive.ts'
import type { MessageRef } from '../../content/content.ts'
import type { ReceiptBody } from '../../content/body.ts'
import { receiptsFor, stateAfterReceipt, type ReceivedMessage } from '../../content/rules/receipts.ts'
import type { SystemNote } from '../../contract/index.ts'
import type { Address } from '../../protocol/address.ts'
import { readStanding, takeTimer, touchConversation } from '../../storage/repositories/conversations.ts'
import {
  advanceDelivery,
  deleteMessage,
  findMessage,
  findOwnMessage,
  insertMessage,
  replaceMark,
  type MessageRow,
  type NewMessage,
} from '../../storage/repositories/messages.ts'
import { makeLaneDue } from '../../storage/repositories/outbox.ts'
import { readOwnDevices } from '../../storage/repositories/ownDevices.ts'
import { addPendingChange, takePendingChanges } from '../../storage/repositories/pendingChanges.ts'
import { readPersonKey, writePersonKey } from '../../storage/repositories/personKeys.ts'
import { deleteQuarantined, findQuarantined } from '../../storage/repositories/quarantine.ts'
import { startTimer } from '../../storage/repositories/readState.ts'
import { rememberReceived, wasReceived } from '../../storage/repositories/received.ts'
import { purgeConfirmed } from '../../storage/repositories/resendLog.ts'
import type { Tx } from '../../storage/vault.ts'
import { accountSettings } from '../account/accountSettings.ts'
import { changeMessage } from './messageChanges.ts'
import { takeOwnNotice, type OwnNoticeOutcome } from '../account/ownNotices.ts'
import type { Posting } from '../sending/posting.ts'
import { systemLine } from '../conversations/systemLine.ts'
import { planContent, planSent, type Arrival, type Effect } from './receivePlan.ts'

type EffectOf<K extends Effect['kind']> = Extract<Effect, { kind: K }>

/** A message that is no more, for the window. */
export interface RemovedMessage {
  readonly conversationId: string
  readonly authorId: string
  /** Lower-case hex. */
  readonly messageId: string
}

/** What a committed batch changed, for the window and for what follows it. */
export interface BatchResult {
  readonly positions: readonly number[]
  readonly conversationIds: ReadonlySet<string>
  readonly removed: readonly RemovedMessage[]
  readonly typing: ReadonlyMap<string, boolean>
  /** A prekey was used up: there may be too few left at the relay. */
  readonly keysUsed: boolean
  /** Another device has changed what all of them share. */
  readonly own: ReadonlySet<OwnNoticeOutcome>
}

/** Carries effects out inside the transaction and collects what has to be told afterwards. */
export class Arrivals implements BatchResult {
  readonly positions: number[] = []
  readonly conversationIds = new Set<string>()
  readonly removed: RemovedMessage[] = []
  readonly typing = new Map<string, boolean>()
  readonly own = new Set<OwnNoticeOutcome>()
  keysUsed = false
  readonly #receipts = new Map<string, ReceivedMessage[]>()
  /** Ids in hex. */
  readonly #envelopes: Set<string>
  readonly #devices = new Set<string>()
  readonly #posting: Posting
  readonly #ownId: string
  readonly #now: number

  /** `seenBefore`: ids (hex) of envelopes of this batch that were taken in before. */
  constructor(parts: {
    readonly posting: Posting
    readonly ownId: string
    readonly now: number
    readonly seenBefore: Iterable<string>
  }) {
    this.#posting = parts.posting
    this.#ownId = parts.ownId
    this.#now = parts.now
    this.#envelopes = new Set(parts.seenBefore)
  }

  /** True from the second time on, before this batch or within it. */
  seen(envelopeId: Bytes): boolean {
    const key = toHex(envelopeId)
    const before = this.#envelopes.has(key)
    this.#envelopes.add(key)
    return before
  }

  /** Whether a device says something for the first time within this batch. */
  isFirstOf({ accountId, deviceId }: Address): boolean {
    const key = `${accountId}.${deviceId}`
    const first = !this.#devices.has(key)
    this.#devices.add(key)
    return first
  }

  touch(conversationId: string): void {
    this.conversationIds.add(conversationId)
  }

  /** Null, or why what was asked for was not the sender's to ask. */
  apply(tx: Tx, effect: Effect, sender: Address): ErrorCode | null {
    switch (effect.kind) {
      case 'show':
        this.#show(tx, effect, sender)
        return null
      case 'change':
        return this.#change(tx, effect, sender)
      case 'receipt':
        this.#receipt(tx, effect, sender)
        return null
      case 'typing':
        if (isAccepted(tx, effect.conversationId)) this.typing.set(effect.conversationId, effect.typing)
        return null
      case 'timer':
        this.#timer(tx, effect, sender)
        return null
      case 'profileKey':
        takeProfileKey(tx, sender.accountId, effect)
        return null
      case 'ownNotice':
        this.#ownNotice(tx, effect, sender)
        return null
      case 'resent':
        this.#resent(tx, effect, sender)
        return null
      case 'refuse':
        return effect.code
    }
    return exhausted(effect)
  }

  /** True when there was no conversation yet: what can be shown nowhere, nobody decides about. */
  begin(tx: Tx, conversationId: string, activeAt: number): boolean {
    if (readStanding(tx, conversationId) !== null) return false
    touchConversation(tx, conversationId, Math.max(1, activeAt))
    this.touch(conversationId)
    return true
  }

  /** One line of Valise's own, where there is such a conversation. */
  note(tx: Tx, conversationId: string, author: Address, note: SystemNote): void {
    if (readStanding(tx, conversationId) === null) return
    const own = author.accountId === this.#ownId
    const position = insertMessage(tx, systemLine(conversationId, author, own, note, this.#now))
    if (position === null) return
    this.positions.push(position)
    this.touch(conversationId)
  }

  /** One receipt for all new messages of an account in this batch. */
  writeReceipts(tx: Tx): void {
    for (const [accountId, messages] of this.#receipts) {
      const contact = readStanding(tx, accountId)
      if (contact === null) continue
      const terms = { contact, switches: accountSettings(tx) }
      for (const body of receiptsFor('deliveryReceipt', messages, terms)) {
        this.#posting.toAccount(tx, accountId, { kind: 'receipt', body })
      }
    }
  }

  /** The mark of an envelope that could not be read. */
  mark(tx: Tx, message: NewMessage): void {
    if (readStanding(tx, message.conversationId)?.blocked === true) return
    this.#insert(tx, { message, resentEnvelopeId: null, place: null })
  }

  #show(tx: Tx, effect: EffectOf<'show'>, sender: Address): void {
    const { message } = effect
    const { authorId: accountId, authorDevice: deviceId, messageId, receivedAt } = message
    const key = { accountId, deviceId, messageId }
    if (wasReceived(tx, key)) return
    const before = readStanding(tx, message.conversationId)
    if (before?.blocked === true && !message.own) {
      rememberReceived(tx, key, receivedAt)
      return
    }
    const position = this.#insert(tx, effect)
    if (position === null) return
    if (message.own) startTimer(tx, position, Math.min(message.sentAt, this.#now))
    else if (message.kind === 'text') this.#owe(sender.accountId, { kind: 'text', messageId })
    this.#takePending(tx, message)
  }

  #insert(tx: Tx, { message, resentEnvelopeId, place }: Omit<EffectOf<'show'>, 'kind'>): number | null {
    touchConversation(tx, message.conversationId, Math.max(1, message.receivedAt))
    this.touch(message.conversationId)
    const replaced = resentEnvelopeId && this.#replaceMark(tx, message, resentEnvelopeId)
    // What was sent again may have waited itself: the place of the first sending is the earlier one.
    const kept = resentEnvelopeId && keptPlace(tx, message, resentEnvelopeId)
    const position = replaced ?? insertMessage(tx, message, kept ?? place)
    if (position !== null) this.positions.push(position)
    return position
  }

  #replaceMark(tx: Tx, message: NewMessage, envelopeId: Bytes): number | null {
    const position = replaceMark(tx, message.conversationId, envelopeId, message)
    // In the window the mark had its envelope's id.
    if (position !== null) this.#gone({ ...message, messageId: envelopeId })
    return position
  }

  #gone({
    conversationId,
    authorId,
    messageId,
  }: Omit<RemovedMessage, 'messageId'> & { messageId: Bytes }): void {
    this.removed.push({ conversationId, authorId, messageId: toHex(messageId) })
    this.touch(conversationId)
  }

  #owe(accountId: string, message: ReceivedMessage): void {
    const owed = this.#receipts.get(accountId)
    if (owed === undefined) this.#receipts.set(accountId, [message])
    else owed.push(message)
  }

  /** Neither its mark nor its envelope is needed any more; a message has taken the mark's place already. */
  #resent(tx: Tx, { envelopeId }: EffectOf<'resent'>, sender: Address): void {
    const mark = findMessage(tx, sender.accountId, envelopeId)
    if (mark?.kind === 'undecryptable' && mark.authorDevice === sender.deviceId) {
      deleteMessage(tx, mark.position)
      this.#gone(mark)
    }
    const kept = findQuarantined(tx, envelopeId)
    if (kept?.accountId === sender.accountId && kept.deviceId === sender.deviceId) {
      deleteQuarantined(tx, kept.id)
    }
  }

  #change(tx: Tx, effect: EffectOf<'change'>, sender: Address): ErrorCode | null {
    const { target, change, conversationId } = effect
    const row = findMessage(tx, target.authorId, target.messageId)
    if (row === null) {
      this.#keep(tx, target, sender, change.changeId, effect.raw)
      return null
    }
    if (change.from !== this.#ownId && isBlocked(tx, conversationId)) return null
    // Nobody reaches into a conversation that is not theirs.
    if (row.conversationId !== conversationId) return 'content.notAllowed'
    const refused = changeMessage(tx, row, change)
    if (refused === null) this.#changed(row)
    return refused
  }

  #keep(tx: Tx, message: MessageRef, sender: Address, changeId: Bytes, body: Bytes): void {
    const { accountId: fromAccount, deviceId: fromDevice } = sender
    addPendingChange(tx, { message, fromAccount, fromDevice, changeId, body, receivedAt: this.#now })
  }

  /** What was done to a message before it came. */
  #takePending(tx: Tx, message: NewMessage): void {
    for (const { fromAccount, fromDevice, body, changeId, receivedAt } of takePendingChanges(tx, message)) {
      const sender = { accountId: fromAccount, deviceId: fromDevice }
      const arrival: Arrival = { sender, envelopeId: changeId, receivedAt }
      const effects =
        fromAccount === this.#ownId
          ? planSent(body, arrival, message.conversationId, this.#ownId)
          : planContent(body, arrival, this.#ownId)
      for (const effect of effects) {
        if (waits.has(effect.kind)) this.apply(tx, effect, sender)
      }
    }
  }

  #receipt(tx: Tx, { receipt, changeId, raw }: EffectOf<'receipt'>, sender: Address): void {
    // Only another device of the account can have sent what this one does not know.
    const mayCome = readOwnDevices(tx).length > 1 && isAccepted(tx, sender.accountId)
    for (const messageId of receipt.messageIds) {
      const message = findOwnMessage(tx, messageId)
      if (message !== null) this.#confirm(tx, message, receipt.kind, sender)
      else if (mayCome) {
        this.#keep(tx, { authorId: this.#ownId, messageId }, sender, waitId(changeId, messageId), raw)
      }
    }
    purgeConfirmed(tx, sender.accountId, sender.deviceId, receipt.messageIds)
  }

  #confirm(tx: Tx, message: MessageRow, kind: ReceiptBody['kind'], sender: Address): void {
    const { position, authorId, conversationId: sentTo, delivery } = message
    if (delivery === 'received') return
    const who = { from: sender.accountId, own: this.#ownId }
    const next = stateAfterReceipt(kind, who, { authorId, sentTo, state: delivery })
    if (next !== null && advanceDelivery(tx, position, next)) this.#changed(message)
  }

  #timer(tx: Tx, effect: EffectOf<'timer'>, sender: Address): void {
    const { conversationId, seconds, changedAt, changeId, own } = effect
    if (!own && isBlocked(tx, conversationId)) return
    touchConversation(tx, conversationId, this.#now)
    if (!takeTimer(tx, conversationId, { seconds, changedAt, changeId })) return
    this.note(tx, conversationId, sender, { kind: 'timerChanged', seconds, own })
  }

  #ownNotice(tx: Tx, { notice, changeId, raw }: EffectOf<'ownNotice'>, sender: Address): void {
    if (notice.kind === 'readUpTo' || notice.kind === 'deleteForMe') {
      for (const message of notice.messages) {
        if (findMessage(tx, message.authorId, message.messageId) !== null) continue
        this.#keep(tx, message, sender, waitId(changeId, message.messageId), raw)
      }
    }
    const outcome = takeOwnNotice(tx, notice, changeId, this.#now)
    for (const conversationId of outcome.conversationIds) this.touch(conversationId)
    this.positions.push(...outcome.positions)
    for (const gone of outcome.removed) this.#gone(gone)
    this.own.add(outcome.kind)
  }

  #changed({ position, conversationId }: MessageRow): void {
    this.positions.push(position)
    this.touch(conversationId)
  }
}

/** With it, what waits behind the limit for strangers may leave. */
function takeProfileKey(tx: Tx, accountId: string, { profileKey, toldAt }: EffectOf<'profileKey'>): void {
  const known = readPersonKey(tx, accountId)
  if (!writePersonKey(tx, accountId, profileKey, toldAt)) return
  if (known === null || !sameBytes(known, profileKey)) makeLaneDue(tx, accountId)
}

/** One receipt may wait for several messages; each wait has an id of its own. */
function waitId(changeId: Bytes, messageId: Bytes): Bytes {
  return copyBytes(createHash('sha256').update(changeId).update(messageId).digest().subarray(0, 16))
}

/** What may come before the message that it is about. */
const waits: ReadonlySet<Effect['kind']> = new Set(['change', 'receipt', 'ownNotice'])

function isBlocked(tx: Tx, conversationId: string): boolean {
  return readStanding(tx, conversationId)?.blocked === true
}

function isAccepted(tx: Tx, conversationId: string): boolean {
  const conversation = readStanding(tx, conversationId)
  return conversation !== null && conversation.accepted && !conversation.blocked
}

/** The place of an envelope of the same device that could not be read. */
function keptPlace(tx: Tx, { authorId, authorDevice }: NewMessage, envelopeId: Bytes): number | null {
  const kept = findQuarantined(tx, envelopeId)
  return kept?.accountId === authorId && kept.deviceId === authorDevice ? kept.place : null
}
