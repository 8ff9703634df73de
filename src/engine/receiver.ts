import { randomBytes } from 'node:crypto'
import { copyBytes, type Bytes } from '../base/bytes.ts'
import type { Clock } from '../base/clock.ts'
import { CodedError, reportOf } from '../base/errors.ts'
import { exhausted } from '../base/exhaustive.ts'
import { encodeContent, receiptIds } from '../content/content.ts'
import { keyToken, peerToken } from '../journal/index.ts'
import type { Protocol, Refused, Turn } from '../protocol/protocol.ts'
import { touchConversation } from '../storage/repositories/conversations.ts'
import { advanceDelivery, findOwnMessage, insertMessage } from '../storage/repositories/messages.ts'
import { insertJob } from '../storage/repositories/outbox.ts'
import { insertQuarantined } from '../storage/repositories/quarantine.ts'
import { envelopeSeen, rememberEnvelope, rememberReceived } from '../storage/repositories/received.ts'
import { readSetting, writeSetting } from '../storage/repositories/settings.ts'
import type { Tx, Vault } from '../storage/vault.ts'
import { limits } from '../wire/limits.ts'
import type { Envelope } from '../wire/relay_pb.ts'
import type { ReachPoint } from './crashPoints.ts'
import type { Journal } from './journal.ts'
import {
  isShownInThread,
  planContent,
  planUndecryptable,
  receptionTime,
  type Arrival,
  type Effect,
} from './receivePlan.ts'
import type { LiveConnection } from './relay/connection.ts'
import { holdChangedIdentity } from './sessions.ts'

/** Envelopes that one transaction takes in at most. */
const batchSize = 100
/** How often an envelope that meets a defect is tried before it is quarantined. */
const defectsBeforeQuarantine = 3
/** Decryptions between two breaths, so that calls from the window are not held (libsignal.md 4.21). */
const breathEvery = 10

interface ReceiverParts {
  readonly vault: Vault
  readonly protocol: Protocol
  readonly journal: Journal
  readonly clock: Clock
  readonly reach: ReachPoint
  readonly committed: (batch: BatchResult) => void
}

/** What a committed batch changed. */
export interface BatchResult {
  readonly positions: readonly number[]
  readonly conversationIds: ReadonlySet<string>
  /** A prekey was used up: there may be too few left at the relay. */
  readonly keysUsed: boolean
}

/**
 * Takes envelopes in: one write-set and one transaction for a batch, acknowledged after it (SECURITY 3). An envelope
 * that cannot be decrypted goes to quarantine as it came and does not spoil the others (SECURITY 12).
 */
export class Receiver {
  readonly #parts: ReceiverParts
  #waiting: Envelope[] = []
  #connection: LiveConnection | null = null
  #running: Promise<void> | null = null
  #stopped = false
  /** How many envelopes are still taken in one by one, after a batch that met a defect. */
  #singly = 0
  /** Failures in a row. */
  #defects = 0

  constructor(parts: ReceiverParts) {
    this.#parts = parts
  }

  take(envelopes: readonly Envelope[], connection: LiveConnection): void {
    // What an older connection brought and was not acknowledged comes again on the new one.
    if (connection !== this.#connection) this.#waiting = []
    this.#connection = connection
    this.#waiting.push(...envelopes)
    this.#running ??= this.#drain().finally(() => {
      this.#running = null
    })
  }

  async stop(): Promise<void> {
    this.#stopped = true
    await this.#running
  }

  async #drain(): Promise<void> {
    while (this.#waiting.length > 0 && !this.#stopped) {
      const connection = this.#connection
      if (connection === null) return
      const batch = this.#waiting.splice(0, this.#singly > 0 ? 1 : batchSize)
      this.#singly = Math.max(0, this.#singly - 1)
      try {
        await this.#commit(connection, batch, (turn) => this.#takeIn(turn, batch, connection))
        this.#defects = 0
      } catch (error) {
        await this.#afterFailure(connection, batch, error)
      }
      await this.#flushJournal()
    }
  }

  /** Once this has settled the batch is durable, acknowledged and told. */
  async #commit(
    connection: LiveConnection,
    batch: readonly Envelope[],
    work: (turn: Turn) => Promise<BatchResult>,
  ): Promise<void> {
    const result = await this.#parts.protocol.exclusively(work)
    this.#parts.reach('receive.committed')
    connection.socket.acknowledge(batch.map((envelope) => envelope.queueId))
    this.#parts.reach('receive.acknowledged')
    this.#parts.committed(result)
  }

  /** The entries are in the vault; a sidecar that cannot be written now is completed by the next flush. */
  async #flushJournal(): Promise<void> {
    await this.#parts.journal.flush().catch(() => undefined)
  }

  /** Nothing of the batch has happened, and the relay still has it. */
  async #afterFailure(connection: LiveConnection, batch: readonly Envelope[], error: unknown): Promise<void> {
    const { code } = reportOf(error)
    const [only] = batch
    this.#defects += 1
    if (code === 'internal' && (batch.length > 1 || this.#defects < defectsBeforeQuarantine)) {
      // A defect of ours met one of them: one by one, and tried again, the others still arrive (SECURITY 12).
      this.#waiting.unshift(...batch)
      this.#singly = batch.length
      return
    }
    if (code === 'internal' && only !== undefined && (await this.#setAside(connection, only))) return
    // The cause (a full disk) is not in the envelopes: they come again on a later connection.
    if (connection === this.#connection) this.#waiting = []
    connection.socket.close(error instanceof CodedError ? error : new CodedError('internal'))
  }

  /** Quarantines an envelope without looking into it; false when even that fails. */
  async #setAside(connection: LiveConnection, envelope: Envelope): Promise<boolean> {
    try {
      await this.#commit(connection, [envelope], async (turn) => {
        const changes = new BatchChanges(this.#parts.clock.now())
        const refused: Refused = { kind: 'refused', code: 'internal', sender: null, changedKey: null }
        this.#quarantine(turn, envelope, Number(envelope.receivedAt), refused, changes)
        turn.writes.commit()
        return changes
      })
      return true
    } catch {
      return false
    }
  }

  async #takeIn(turn: Turn, batch: readonly Envelope[], connection: LiveConnection): Promise<BatchResult> {
    const changes = new BatchChanges(this.#parts.clock.now())
    let last = Number(readSetting(this.#parts.vault.sql, 'lastReceivedAt') ?? '0')
    for (const [index, envelope] of batch.entries()) {
      if (index % breathEvery === breathEvery - 1) await new Promise((resolve) => setImmediate(resolve))
      const bounds = {
        relayTime: connection.relayTime(),
        lastReceivedAt: last,
        maxAgeMs: limits.certificateMaxAgeMs,
      }
      last = receptionTime(Number(envelope.receivedAt), bounds)
      await this.#takeOne(turn, envelope, last, changes)
    }
    turn.writes.write((tx) => {
      changes.writeReceipts(tx)
      writeSetting(tx, 'lastReceivedAt', String(last))
    })
    this.#parts.reach('receive.decrypted')
    turn.writes.commit()
    return changes
  }

  async #takeOne(turn: Turn, envelope: Envelope, receivedAt: number, changes: BatchChanges): Promise<void> {
    const envelopeId = copyBytes(envelope.messageId)
    if (envelopeSeen(this.#parts.vault.sql, envelopeId) || changes.seen(envelopeId)) return
    const opened = await turn.open(copyBytes(envelope.body), receivedAt)
    turn.writes.write((tx) => rememberEnvelope(tx, envelopeId, receivedAt))
    if (opened.kind === 'refused') return this.#quarantine(turn, envelope, receivedAt, opened, changes)
    const { sender } = opened
    if (opened.keysUsed) changes.keysUsed = true
    if (opened.firstSeen) this.#noteFirstSeen(turn, sender.accountId)
    if (opened.lastResortUsed !== null) this.#noteLastResort(turn, sender.accountId, opened.lastResortUsed)
    const effect = planContent(opened.content, { sender, envelopeId, receivedAt })
    turn.writes.write((tx) => changes.apply(tx, effect, sender.accountId))
  }

  #quarantine(
    turn: Turn,
    envelope: Envelope,
    receivedAt: number,
    { code, sender, changedKey }: Refused,
    changes: BatchChanges,
  ): void {
    const envelopeId = copyBytes(envelope.messageId)
    const accountId = sender?.accountId ?? null
    if (accountId !== null && changedKey !== null) {
      holdChangedIdentity(this.#parts.journal, turn, accountId, changedKey)
    }
    this.#parts.journal.note(turn.writes, () => ({
      type: 'envelope.quarantined',
      actor: sender === null ? 'relay' : 'peer',
      payload: { code },
    }))
    turn.writes.write((tx) => {
      insertQuarantined(tx, {
        envelopeId,
        body: copyBytes(envelope.body),
        receivedAt,
        reason: code,
        accountId,
      })
      if (sender === null) return
      const arrival: Arrival = { sender, envelopeId, receivedAt }
      if (isShownInThread(code)) changes.apply(tx, planUndecryptable(arrival), sender.accountId)
      else changes.touch(sender.accountId)
    })
  }

  #noteFirstSeen(turn: Turn, accountId: string): void {
    const key = turn.writes.identities.get(accountId)?.identityKey
    if (key === undefined) return
    this.#parts.journal.note(turn.writes, (salt) => ({
      type: 'identity.firstSeen',
      actor: 'peer',
      payload: { peer: peerToken(salt, accountId), key: keyToken(salt, key) },
    }))
  }

  #noteLastResort(turn: Turn, accountId: string, kyberPreKeyId: number): void {
    this.#parts.journal.note(turn.writes, (salt) => ({
      type: 'keys.lastResortUsed',
      actor: 'peer',
      payload: { kyberPreKeyId, peer: peerToken(salt, accountId) },
    }))
  }
}

/** Carries effects out inside the transaction and collects what the window has to be told. */
class BatchChanges implements BatchResult {
  readonly positions: number[] = []
  readonly conversationIds = new Set<string>()
  keysUsed = false
  readonly #receipts = new Map<string, Bytes[]>()
  readonly #envelopes = new Set<string>()
  readonly #now: number

  constructor(now: number) {
    this.#now = now
  }

  /** True from the second time on, within this batch. */
  seen(envelopeId: Bytes): boolean {
    const key = envelopeId.toString()
    const before = this.#envelopes.has(key)
    this.#envelopes.add(key)
    return before
  }

  touch(conversationId: string): void {
    this.conversationIds.add(conversationId)
  }

  apply(tx: Tx, effect: Effect, senderId: string): void {
    switch (effect.kind) {
      case 'show':
        return this.#show(tx, effect, senderId)
      case 'delivered':
        for (const messageId of effect.messageIds) this.#confirm(tx, messageId, senderId)
        return
    }
    return exhausted(effect)
  }

  /** One receipt for all new messages of an account in this batch. */
  writeReceipts(tx: Tx): void {
    for (const [accountId, messageIds] of this.#receipts) {
      for (let at = 0; at < messageIds.length; at += receiptIds) {
        const body = { kind: 'deliveryReceipt', messageIds: messageIds.slice(at, at + receiptIds) } as const
        insertJob(tx, {
          lane: accountId,
          destination: accountId,
          kind: 'receipt',
          messagePosition: null,
          content: encodeContent({ messageId: copyBytes(randomBytes(16)), sentAt: this.#now, body }),
          createdAt: this.#now,
        })
      }
    }
  }

  #show(tx: Tx, { message, receipt }: Extract<Effect, { kind: 'show' }>, senderId: string): void {
    const { authorDevice: deviceId, messageId, receivedAt } = message
    if (!rememberReceived(tx, { accountId: senderId, deviceId, messageId }, receivedAt)) return
    touchConversation(tx, message.conversationId, receivedAt)
    this.conversationIds.add(message.conversationId)
    const position = insertMessage(tx, message)
    if (position === null) return
    this.positions.push(position)
    if (!receipt) return
    const ids = this.#receipts.get(senderId)
    if (ids === undefined) this.#receipts.set(senderId, [messageId])
    else ids.push(messageId)
  }

  /** A receipt counts only from the account that the message went to. */
  #confirm(tx: Tx, messageId: Bytes, senderId: string): void {
    const message = findOwnMessage(tx, messageId)
    if (message === null || message.conversationId !== senderId) return
    if (!advanceDelivery(tx, message.position, 'delivered')) return
    this.positions.push(message.position)
    this.conversationIds.add(senderId)
  }
}
