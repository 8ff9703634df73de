import { copyBytes, toHex, type Bytes } from '../../base/bytes.ts'
import type { Clock } from '../../base/clock.ts'
import { CodedError, reportOf } from '../../base/errors.ts'
import { exhausted } from '../../base/exhaustive.ts'
import { keyToken, peerToken } from '../../journal/index.ts'
import type { Address } from '../../protocol/address.ts'
import type { Opened, OpenResult, Protocol, Refused, RetryRequested, Turn } from '../../protocol/protocol.ts'
import { retryReference } from '../../protocol/retry.ts'
import { writeTakenUpTo } from '../../storage/repositories/account.ts'
import { readRemovedOwnDevices } from '../../storage/repositories/ownDevices.ts'
import { reservePosition } from '../../storage/repositories/messages.ts'
import { insertQuarantined } from '../../storage/repositories/quarantine.ts'
import { envelopesSeen, rememberEnvelope } from '../../storage/repositories/received.ts'
import { readSetting, writeSetting } from '../../storage/repositories/settings.ts'
import type { Vault } from '../../storage/vault.ts'
import { limits } from '../../wire/limits.ts'
import type { Envelope } from '../../wire/relay_pb.ts'
import type { ReachPoint } from '../crashPoints.ts'
import { isPreviousIdentity } from '../account/pendingIdentity.ts'
import type { Journal } from '../profile/journal.ts'
import { Arrivals, type BatchResult } from './arrivals.ts'
import { isReplacedKey } from '../conversations/identities.ts'
import { notePeerDevice } from '../conversations/peerDevices.ts'
import type { Posting } from '../sending/posting.ts'
import { nextAttempt, Quarantine, type Incoming } from './quarantine.ts'
import { isShownInThread, planContent, planUndecryptable, receptionTime } from './receivePlan.ts'
import type { Retries } from './retries.ts'
import type { Self } from '../account/self.ts'
import type { LiveConnection } from '../relay/connection.ts'
import { holdChangedIdentity } from '../sending/sessions.ts'

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
  readonly self: Self
  readonly posting: Posting
  readonly retries: Retries
  readonly committed: (batch: BatchResult) => void
}

/**
 * Takes envelopes in: one write-set and one transaction for a batch, acknowledged after it (SECURITY 3). An envelope
 * that cannot be decrypted goes to quarantine as it came and does not spoil the others (SECURITY 12).
 */
export class Receiver {
  readonly #parts: ReceiverParts
  readonly quarantine: Quarantine
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
    this.quarantine = new Quarantine({
      ...parts,
      arrivals: () => this.#arrivals(),
      settle: (turn, envelope, opened, changes) => this.#settle(turn, envelope, opened, changes),
    })
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
    // An ephemeral one lies in no queue.
    const queued = batch.map(({ queueId }) => queueId).filter((queueId) => queueId > 0n)
    connection.socket.acknowledge(queued)
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
        const changes = this.#arrivals()
        const refused: Refused = {
          kind: 'refused',
          code: 'internal',
          sender: null,
          changedKey: null,
          retry: null,
          whenUnreadable: 'mark',
        }
        this.#quarantine(turn, incoming(envelope, Number(envelope.receivedAt)), refused, changes)
        turn.writes.write((tx) => writeTakenUpTo(tx, Number(envelope.queueId)))
        turn.writes.commit()
        return changes
      })
      return true
    } catch {
      return false
    }
  }

  async #takeIn(turn: Turn, batch: readonly Envelope[], connection: LiveConnection): Promise<BatchResult> {
    const ids = batch.map(({ messageId }) => toHex(messageId))
    const changes = this.#arrivals(envelopesSeen(this.#parts.vault.sql, ids))
    let last = Number(readSetting(this.#parts.vault.sql, 'lastReceivedAt') ?? '0')
    for (const [index, envelope] of batch.entries()) {
      if (index % breathEvery === breathEvery - 1) await new Promise((resolve) => setImmediate(resolve))
      const bounds = {
        relayTime: connection.relayTime(),
        lastReceivedAt: last,
        maxAgeMs: limits.certificateMaxAgeMs,
      }
      last = receptionTime(Number(envelope.receivedAt), bounds)
      await this.#takeOne(turn, incoming(envelope, last), changes)
    }
    const upTo = batch.reduce((highest, { queueId }) => Math.max(highest, Number(queueId)), 0)
    turn.writes.write((tx) => {
      changes.writeReceipts(tx)
      writeSetting(tx, 'lastReceivedAt', String(last))
      writeTakenUpTo(tx, upTo)
    })
    this.#parts.reach('receive.decrypted')
    turn.writes.commit()
    return changes
  }

  #arrivals(seenBefore: Iterable<string> = []): Arrivals {
    const { posting, self, clock } = this.#parts
    return new Arrivals({ posting, ownId: self.accountId, now: clock.now(), seenBefore })
  }

  async #takeOne(turn: Turn, envelope: Incoming, changes: Arrivals): Promise<void> {
    const { envelopeId, receivedAt, queueId } = envelope
    if (changes.seen(envelopeId)) return
    const opened = await turn.open(envelope.body, receivedAt, envelopeId)
    // Ephemeral ones are worth nothing later: neither kept nor remembered beyond their ratchet step.
    if (queueId > 0) turn.writes.write((tx) => rememberEnvelope(tx, envelopeId, receivedAt))
    if (opened.kind !== 'refused' || queueId > 0) this.#settle(turn, envelope, opened, changes)
  }

  #settle(turn: Turn, envelope: Incoming, opened: OpenResult, changes: Arrivals): void {
    switch (opened.kind) {
      case 'refused':
        return this.#quarantine(turn, envelope, opened, changes)
      case 'retryRequest':
        return this.#answerRetry(turn, opened)
      case 'opened':
        return this.#takeOpened(turn, envelope, opened, changes)
    }
    return exhausted(opened)
  }

  #takeOpened(turn: Turn, envelope: Incoming, opened: Opened, changes: Arrivals): void {
    const { sender } = opened
    const { self, journal, clock } = this.#parts
    if (opened.keysUsed) changes.keysUsed = true
    if (opened.firstSeen) this.#noteFirstSeen(turn, sender.accountId)
    if (opened.lastResortUsed !== null) this.#noteLastResort(turn, sender.accountId, opened.lastResortUsed)
    const effects = this.#isRemoved(sender)
      ? [{ kind: 'refuse', code: 'content.notAllowed' } as const]
      : planContent(opened.content, { ...envelope, sender }, self.accountId)
    turn.writes.write((tx) => {
      const unlooked = sender.accountId !== self.accountId && changes.isFirstOf(sender)
      if (unlooked && notePeerDevice(tx, journal, sender, null, clock.now())) {
        changes.note(tx, sender.accountId, sender, { kind: 'deviceAdded' })
      }
      for (const effect of effects) {
        const refused = changes.apply(tx, effect, sender)
        if (refused === null) continue
        // Read and understood, so there is nothing to keep: only that it was tried.
        journal.append(tx, () => ({
          type: 'envelope.quarantined',
          actor: 'peer',
          payload: { code: refused },
        }))
      }
    })
  }

  /** A device of this account that was taken off it, as long as its certificate lasts. */
  #isRemoved({ accountId, deviceId }: Address): boolean {
    const { self, vault } = this.#parts
    if (accountId !== self.accountId) return false
    return readRemovedOwnDevices(vault.sql).some((device) => device.deviceId === deviceId)
  }

  #answerRetry(turn: Turn, request: RetryRequested): void {
    if (request.ratchetKeyMatches) turn.renewSession(request.sender)
    turn.writes.write((tx) => this.#parts.retries.answer(tx, request))
  }

  #quarantine(turn: Turn, envelope: Incoming, refused: Refused, changes: Arrivals): void {
    const { sender, changedKey, retry, whenUnreadable } = refused
    const { envelopeId, body, receivedAt, queueId, place } = envelope
    const accountId = sender?.accountId ?? null
    const deviceId = sender?.deviceId ?? null
    const { vault, clock } = this.#parts
    const replaced =
      accountId !== null &&
      changedKey !== null &&
      (accountId === this.#parts.self.accountId
        ? isPreviousIdentity(vault.sql, changedKey)
        : isReplacedKey(vault.sql, accountId, changedKey, clock.now()))
    const code = replaced ? 'identity.superseded' : refused.code
    if (accountId !== null && code === 'identity.changed') {
      const shownAt =
        whenUnreadable === 'nothing' || accountId === this.#parts.self.accountId ? null : receivedAt
      this.#hold(turn, { accountId, changedKey, place: shownAt }, changes)
    }
    this.#parts.journal.note(turn.writes, () => ({
      type: 'envelope.quarantined',
      actor: sender === null ? 'relay' : 'peer',
      payload: { code },
    }))
    turn.writes.write((tx) => {
      const isNew = insertQuarantined(tx, {
        envelopeId,
        body,
        receivedAt,
        reason: code,
        accountId,
        deviceId,
        queueId,
        retryReference: retryReference(envelopeId),
        // No mark keeps it: which conversation it is for is not known.
        place: accountId === this.#parts.self.accountId ? (place ?? reservePosition(tx)) : null,
        nextAttemptAt: nextAttempt(code, 1, clock.now()),
      })
      if (sender === null || !isNew) return
      changes.touch(sender.accountId)
      if (
        whenUnreadable !== 'mark' ||
        !isShownInThread(code) ||
        sender.accountId === this.#parts.self.accountId
      )
        return
      changes.mark(tx, planUndecryptable({ sender, envelopeId, receivedAt }))
    })
    // While a decision is waited for nothing is asked: the envelope itself may be read afterwards.
    if (sender !== null && retry !== null && code !== 'identity.changed') {
      turn.writes.write((tx) => this.#parts.retries.ask(tx, sender, envelopeId, retry))
    }
  }

  /** `place`: when what waits for the decision came, where it needs a conversation to be decided in; null: it needs none. */
  #hold(
    turn: Turn,
    change: { readonly accountId: string; readonly changedKey: Bytes | null; readonly place: number | null },
    changes: Arrivals,
  ): void {
    const { accountId, changedKey, place } = change
    const wasPending = turn.isIdentityPending(accountId)
    if (changedKey !== null) holdChangedIdentity(this.#parts.journal, turn, accountId, changedKey)
    const author: Address = { accountId, deviceId: 1 }
    turn.writes.write((tx) => {
      const isNew = place !== null && changes.begin(tx, accountId, place)
      if (isNew || !wasPending) changes.note(tx, accountId, author, { kind: 'identityChanged' })
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

function incoming(envelope: Envelope, receivedAt: number): Incoming {
  return {
    envelopeId: copyBytes(envelope.messageId),
    body: copyBytes(envelope.body),
    receivedAt,
    queueId: Number(envelope.queueId),
  }
}
