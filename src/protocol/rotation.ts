import type { Overlay } from '../storage/recordTable.ts'
import type { TimedRecord } from '../storage/records.ts'
import type { WriteSet } from '../storage/writeSet.ts'

const day = 24 * 3_600_000

/**
 * X3DH (section 3.2) asks for a new signed prekey "once a week, or once a month", and PQXDH the same of the last-resort
 * key. Two days are on the safe side of it: where one-time keys have run out, these two alone keep first messages
 * secret once the device is taken, and a pair costs a few milliseconds.
 */
export const rotateAfterMs = 2 * day

/** A first message may lie 30 days at the relay; a day more for what the clocks disagree on. */
export const keepReplacedMs = 31 * day

export interface LastingKey {
  readonly keyId: number
  /** ms since the epoch. */
  readonly createdAt: number
}

export interface LastingKeys {
  readonly signed: readonly LastingKey[]
  readonly kyber: readonly LastingKey[]
}

/** Signed prekeys and last-resort Kyber prekeys that are held, in no order. */
export function lastingKeys(writes: WriteSet): LastingKeys {
  return {
    signed: timed(writes.signedPreKeys, () => true),
    kyber: timed(writes.kyberPreKeys, (row) => row.lastResort),
  }
}

function timed<V extends TimedRecord>(overlay: Overlay<V>, wanted: (row: V) => boolean): LastingKey[] {
  return [...overlay.keys()].flatMap((key) => {
    const row = overlay.get(key)
    return row !== null && wanted(row) ? [{ keyId: Number(key), createdAt: row.createdAt }] : []
  })
}

/** When the keys in use were made, null without any. A time that lies ahead is a clock that was wrong: not in use. */
export interface LastingKeyTimes {
  readonly signedCreatedAt: number | null
  readonly kyberCreatedAt: number | null
}

export function lastingKeyTimes(keys: LastingKeys, now: number): LastingKeyTimes {
  return {
    signedCreatedAt: newestTime(keys.signed, now),
    kyberCreatedAt: newestTime(keys.kyber, now),
  }
}

export function rotationDue({ signedCreatedAt, kyberCreatedAt }: LastingKeyTimes, now: number): boolean {
  return [signedCreatedAt, kyberCreatedAt].some((at) => at === null || now - at >= rotateAfterMs)
}

function newestTime(keys: readonly LastingKey[], now: number): number | null {
  const times = keys.map((key) => key.createdAt).filter((at) => at <= now)
  return times.length === 0 ? null : Math.max(...times)
}

/** Keys that were replaced longer ago than any message can be on its way. The newest of a kind never is. */
export function expiredLastingKeys(keys: LastingKeys, now: number): LastingKeys {
  return { signed: expired(keys.signed, now), kyber: expired(keys.kyber, now) }
}

function expired(keys: readonly LastingKey[], now: number): LastingKey[] {
  return keys.filter((key) => {
    const later = keys.map(({ createdAt }) => createdAt).filter((at) => at > key.createdAt)
    return later.length > 0 && now - Math.min(...later) > keepReplacedMs
  })
}

/** Removes them for good. `now` had better be the relay's time: a clock years ahead would lose keys in use. */
export function removeExpiredLastingKeys(writes: WriteSet, now: number): void {
  const gone = expiredLastingKeys(lastingKeys(writes), now)
  for (const { keyId } of gone.signed) writes.signedPreKeys.remove(String(keyId))
  for (const { keyId } of gone.kyber) writes.kyberPreKeys.remove(String(keyId))
}
