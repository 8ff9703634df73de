import { SessionRecord, SessionStore, type ProtocolAddress } from '@signalapp/libsignal-client'
import { CodedError } from '../base/errors.ts'
import type { Bytes } from '../base/bytes.ts'
import { accountOf } from '../storage/records.ts'
import type { WriteSet } from '../storage/writeSet.ts'

/** Messages lie at most 30 days at the relay; a day more for what the clocks disagree on. */
export const keepRetiredMs = 31 * 24 * 3_600_000

/** A device may be retired twice in a day; more than this many are a defect or a peer that plays. */
export const retiredPerDevice = 5

/**
 * Takes a live session out of use for good: it still reads what is on its way under it, but never encrypts again.
 * libsignal's own archive would not do: the next decryption makes an archived state current, and after a vault was put
 * back from a copy its keys have been used already (SECURITY 3). So the record moves to a table of its own.
 */
export function retireSession(writes: WriteSet, key: string, now: number): void {
  const record = writes.sessions.get(key)
  if (record === null) return
  const older = writes.retiredSessions.get(key) ?? []
  writes.retiredSessions.put(key, [{ record, retiredAt: now }, ...older].slice(0, retiredPerDevice))
  writes.sessions.remove(key)
}

/** All live sessions, or those of one account. */
export function retireSessions(writes: WriteSet, now: number, accountId?: string): void {
  for (const key of writes.sessions.keys()) {
    if (accountId === undefined || accountOf(key) === accountId) retireSession(writes, key, now)
  }
}

/** Deletes, not retires: what an account that changed its identity has left (libsignal.md 4.3). */
export function deleteSessions(writes: WriteSet, accountId: string): void {
  for (const overlay of [writes.sessions, writes.retiredSessions]) {
    for (const key of overlay.keys()) if (accountOf(key) === accountId) overlay.remove(key)
  }
}

export function pruneRetired(writes: WriteSet, now: number): void {
  for (const key of writes.retiredSessions.keys()) {
    const all = writes.retiredSessions.get(key) ?? []
    const kept = all.filter(({ retiredAt }) => now - retiredAt <= keepRetiredMs)
    if (kept.length === 0) writes.retiredSessions.remove(key)
    else if (kept.length < all.length) writes.retiredSessions.put(key, kept)
  }
}

/** One retired record as the only session there is. What libsignal makes of it goes back to its own place. */
export class RetiredSessionStore extends SessionStore {
  readonly #writes: WriteSet
  readonly #key: string
  readonly #index: number

  constructor(writes: WriteSet, key: string, index: number) {
    super()
    this.#writes = writes
    this.#key = key
    this.#index = index
  }

  override async saveSession(_address: ProtocolAddress, record: SessionRecord): Promise<void> {
    const sessions = this.#writes.retiredSessions.get(this.#key) ?? []
    const changed = sessions.map((session, index) =>
      index === this.#index ? { ...session, record: record.serialize() } : session,
    )
    this.#writes.retiredSessions.put(this.#key, changed)
  }

  override async getSession(_address: ProtocolAddress): Promise<SessionRecord | null> {
    const record = this.#record()
    return record && SessionRecord.deserialize(record)
  }

  override async getExistingSessions(): Promise<SessionRecord[]> {
    throw new CodedError('session.missing')
  }

  #record(): Bytes | null {
    return this.#writes.retiredSessions.get(this.#key)?.[this.#index]?.record ?? null
  }
}
