import { fromBase64Url, sameBytes, toBase64Url, type Bytes } from '../../base/bytes.ts'
import type { Clock } from '../../base/clock.ts'
import { CodedError } from '../../base/errors.ts'
import type { CallInput, CallOutput, ConversationView } from '../../contract/index.ts'
import { keyToken, peerToken } from '../../journal/index.ts'
import { compareScanned, safetyNumber, type SafetyNumber } from '../../protocol/fingerprint.ts'
import type { Protocol, Turn } from '../../protocol/protocol.ts'
import type { Sql } from '../../storage/binding.ts'
import { readIdentity, type IdentityRecord } from '../../storage/records.ts'
import { readConversation } from '../../storage/repositories/conversations.ts'
import {
  readDecision,
  readDecisions,
  writeDecision,
  type IdentityDecision,
} from '../../storage/repositories/identityDecisions.ts'
import { insertMessage } from '../../storage/repositories/messages.ts'
import { forgetSentTo } from '../../storage/repositories/resendLog.ts'
import type { Tx, Vault } from '../../storage/vault.ts'
import { limits } from '../../wire/limits.ts'
import type { BatchResult } from '../receiving/arrivals.ts'
import type { Journal } from '../profile/journal.ts'
import type { Posting } from '../sending/posting.ts'
import type { Self } from '../account/self.ts'
import { systemLine } from './systemLine.ts'

interface IdentitiesParts {
  readonly vault: Vault
  readonly protocol: Protocol
  readonly journal: Journal
  readonly clock: Clock
  readonly self: Self
  readonly posting: Posting
  /** Reads what waited for the decision, in the turn in which it is taken. */
  readonly release: (turn: Turn, accountId: string) => Promise<BatchResult>
  /** A decision was committed, with what it let in: what waited to be sent may go on. */
  readonly decided: (accountId: string, position: number | null, released: BatchResult | null) => void
}

/** What a person decides about other people's identity keys (SECURITY 5), here and on the account's other devices. */
export class Identities {
  readonly #parts: IdentitiesParts

  constructor(parts: IdentitiesParts) {
    this.#parts = parts
  }

  /** Of the key in question: the changed one while a decision waits. */
  safetyNumber({ accountId }: CallInput<'identity.safetyNumber'>): CallOutput<'identity.safetyNumber'> {
    const known = this.#known(accountId)
    const { digits, scannable } = this.#numberOf(accountId, keyInQuestion(known))
    return {
      groups: digits.split(' '),
      scannable: toBase64Url(scannable),
      pending: known.changedKey !== null,
      // One that was verified before and comes back is decided about anew.
      verified: known.changedKey === null && isVerified(this.#parts.vault.sql, accountId, known.identityKey),
    }
  }

  /** Throws `identity.notPending`, and `identity.superseded` when the key is not the one whose number was seen. */
  async accept({ accountId, groups }: CallInput<'identity.accept'>): Promise<void> {
    const { changedKey } = this.#known(accountId)
    if (changedKey === null) throw new CodedError('identity.notPending')
    this.#checkSeen(accountId, changedKey, groups)
    await this.#accept(accountId, changedKey, false, 'here')
  }

  /** Throws `identity.mismatch` for a scanned code of another key, and `identity.superseded` as `accept`. */
  async verify({ accountId, verified, groups, scanned }: CallInput<'identity.verify'>): Promise<void> {
    const known = this.#known(accountId)
    const key = keyInQuestion(known)
    this.#checkSeen(accountId, key, groups)
    if (scanned !== undefined) this.#compare(accountId, key, scanned)
    if (known.changedKey !== null) {
      // Nothing was decided about it here: other devices must not read a decision into this.
      if (!verified) throw new CodedError('identity.superseded')
      return await this.#accept(accountId, key, true, 'here')
    }
    await this.#parts.protocol.exclusively(async (turn) => {
      this.#noteVerified(turn, { accountId, key, verified, actor: 'person' })
      turn.writes.write((tx) =>
        this.#decide(tx, { accountId, identityKey: key, previousKey: null, verified }),
      )
      turn.writes.commit()
    })
    await this.#parts.journal.flush()
    this.#parts.decided(accountId, null, null)
  }

  /** Takes over what was decided on another device about keys that wait here. */
  async follow(accountIds: Iterable<string>): Promise<void> {
    for (const accountId of accountIds) {
      const key = readIdentity(this.#parts.vault.sql, accountId)?.changedKey ?? null
      if (key === null) continue
      const decision = readDecision(this.#parts.vault.sql, accountId, key)
      if (decision?.accepted === true) await this.#accept(accountId, key, decision.verified, 'elsewhere')
    }
  }

  async #accept(
    accountId: string,
    key: Bytes,
    verified: boolean,
    where: 'here' | 'elsewhere',
  ): Promise<void> {
    let position: number | null = null
    // One turn and one commit: nothing that comes later is read before what waited, and no crash comes between.
    const released = await this.#parts.protocol.exclusively(async (turn) => {
      const previousKey = turn.writes.identities.get(accountId)?.identityKey ?? null
      turn.acceptIdentity(accountId, key)
      const actor = where === 'here' ? 'person' : 'device'
      this.#parts.journal.note(turn.writes, (salt) => ({
        type: 'identity.accepted',
        actor,
        payload: { peer: peerToken(salt, accountId), key: keyToken(salt, key) },
      }))
      if (verified) this.#noteVerified(turn, { accountId, key, verified, actor })
      turn.writes.write((tx) => {
        if (where === 'here') this.#decide(tx, { accountId, identityKey: key, previousKey, verified })
        else writeDecision(tx, { ...decisionNow(tx, accountId, key, verified, this.#now()), previousKey })
        position = this.#line(tx, accountId, verified)
        // What was sent to whoever had the old key is not sent again to whoever has this one.
        forgetSentTo(tx, accountId)
      })
      const result = await this.#parts.release(turn, accountId)
      turn.writes.commit()
      return result
    })
    await this.#parts.journal.flush()
    this.#parts.decided(accountId, position, released)
  }

  #noteVerified(
    turn: Turn,
    {
      accountId,
      key,
      verified,
      actor,
    }: {
      readonly accountId: string
      readonly key: Bytes
      readonly verified: boolean
      readonly actor: 'person' | 'device'
    },
  ): void {
    this.#parts.journal.note(turn.writes, (salt) => ({
      type: 'identity.verified',
      actor,
      payload: { peer: peerToken(salt, accountId), key: keyToken(salt, key), verified },
    }))
  }

  #decide(
    tx: Tx,
    decision: Pick<IdentityDecision, 'accountId' | 'identityKey' | 'previousKey' | 'verified'>,
  ): void {
    const { accountId, identityKey, verified } = decision
    const { decidedAt } = decisionNow(tx, accountId, identityKey, verified, this.#now())
    writeDecision(tx, { ...decision, accepted: true, decidedAt })
    this.#parts.posting.toOwnDevices(tx, {
      kind: 'identityDecision',
      accountId,
      identityKey,
      accepted: true,
      verified,
      decidedAt,
    })
  }

  #line(tx: Tx, accountId: string, verified: boolean): number | null {
    if (readConversation(tx, accountId) === null) return null
    const { self } = this.#parts
    return insertMessage(
      tx,
      systemLine(accountId, self.record, true, { kind: 'identityAccepted', verified }, this.#now()),
    )
  }

  /** What the person has seen is what they decide about: the key may have changed again since. */
  #checkSeen(accountId: string, key: Bytes, groups: readonly string[]): void {
    if (this.#numberOf(accountId, key).digits === groups.join(' ')) return
    throw new CodedError('identity.superseded')
  }

  #compare(accountId: string, key: Bytes, scanned: string): void {
    const theirs = fromBase64Url(scanned)
    const own = this.#numberOf(accountId, key).scannable
    if (theirs === null || !compareScanned(own, theirs)) throw new CodedError('identity.mismatch')
  }

  #numberOf(accountId: string, identityKey: Bytes): SafetyNumber {
    const { self } = this.#parts
    return safetyNumber(
      { accountId: self.accountId, identityKey: self.identityKey() },
      { accountId, identityKey },
    )
  }

  #known(accountId: string): IdentityRecord {
    const known = readIdentity(this.#parts.vault.sql, accountId)
    if (known === null) throw new CodedError('identity.unknown')
    return known
  }

  #now(): number {
    return this.#parts.clock.now()
  }
}

/** How a conversation shows the other side's identity. */
export function identityStanding(sql: Sql, accountId: string): ConversationView['identity'] {
  const known = readIdentity(sql, accountId)
  if (known === null) return 'unknown'
  if (known.changedKey !== null) return 'changed'
  return isVerified(sql, accountId, known.identityKey) ? 'verified' : 'known'
}

function keyInQuestion(known: IdentityRecord): Bytes {
  return known.changedKey ?? known.identityKey
}

function isVerified(sql: Sql, accountId: string, key: Bytes): boolean {
  return readDecision(sql, accountId, key)?.verified === true
}

/** Dated after every decision before it, whatever the clock says: the newest stands. */
function decisionNow(
  tx: Tx,
  accountId: string,
  identityKey: Bytes,
  verified: boolean,
  now: number,
): IdentityDecision {
  const last = readDecisions(tx, accountId)[0]?.decidedAt ?? 0
  const decidedAt = Math.max(now, last + 1)
  return { accountId, identityKey, previousKey: null, accepted: true, verified, decidedAt }
}

/** Certificates for a replaced key run out within a day; from then on seeing it again is a change like any other. */
const replacedKeyMs = 2 * limits.certificateMs

/** True for a key that was lately replaced by a decision: what still comes under it asks for no new one. */
export function isReplacedKey(sql: Sql, accountId: string, key: Bytes, now: number): boolean {
  return readDecisions(sql, accountId).some(
    ({ previousKey, decidedAt }) =>
      previousKey !== null && sameBytes(previousKey, key) && Math.abs(now - decidedAt) < replacedKeyMs,
  )
}
