import { randomBytes } from 'node:crypto'
import { z } from 'zod'
import { sameBytes, toHex, type Bytes } from '../../base/bytes.ts'
import { identityPublicKey, newIdentityKeyPair } from '../../protocol/keys.ts'
import { newProfileKey } from '../../protocol/profileKey.ts'
import type { Sql } from '../../storage/binding.ts'
import { jobsAbout, type Job } from '../../storage/repositories/outbox.ts'
import { readSetting, writeSetting } from '../../storage/repositories/settings.ts'
import type { Tx } from '../../storage/vault.ts'
import { stored } from './self.ts'

/** Keys that were handed over and that the relay has not taken; other devices may decide at the same time. */
const comingKept = 4

/** What is under way, as the vault keeps it: a crash or a lost answer goes on where it stood. */
const pendingSchema = z.strictObject({
  identityKeyPair: z.string(),
  profileKey: z.string(),
  /** Device ids that were lost. */
  lost: z.array(z.int()),
  /** Device ids that stay: those that the person knew when they decided. Whoever was linked since may be the thief's. */
  keep: z.array(z.int()),
  /** Of the content that hands the keys over to them, hex. */
  handover: z.string(),
})
export type Pending = z.infer<typeof pendingSchema>

/** Identity key pairs that the present one has replaced, newest first. */
export function previousIdentities(sql: Sql): Bytes[] {
  const kept = z.array(z.string()).parse(JSON.parse(readSetting(sql, 'previousIdentities') ?? '[]'))
  return kept.map(stored)
}

/** True for the public key of one of them: another device has not taken up the present one yet, and is asked to send again. */
export function isPreviousIdentity(sql: Sql, publicKey: Bytes): boolean {
  return previousIdentities(sql).some((pair) => sameBytes(identityPublicKey(pair), publicKey))
}

/** True for a device that was lost, and for which the account's key is being replaced. */
export function isBeingReplacedFor(sql: Sql, deviceId: number): boolean {
  return readPending(sql)?.lost.includes(deviceId) === true
}

/** Those that are about to become the present one: handed over to this device, or decided on here. */
export function comingIdentities(sql: Sql): Bytes[] {
  const pending = readPending(sql)
  return [...handedOver(sql), ...(pending === null ? [] : [stored(pending.identityKeyPair)])]
}

/** An identity key pair that another device of the account hands over; the relay says whether and when it counts. */
export function takeHandover(tx: Tx, identityKeyPair: Bytes): void {
  const others = handedOver(tx).filter((pair) => !sameBytes(pair, identityKeyPair))
  const newestFirst = [identityKeyPair, ...others].slice(0, comingKept)
  writeSetting(tx, 'adoptIdentity', JSON.stringify(newestFirst.map(toHex)))
}

export function handedOver(sql: Sql): Bytes[] {
  return z
    .array(z.string())
    .parse(JSON.parse(readSetting(sql, 'adoptIdentity') ?? '[]'))
    .map(stored)
}

export function handoverJobs(sql: Sql, { handover }: Pending): Job[] {
  return jobsAbout(sql, stored(handover))
}

export function writePending(tx: Tx, pending: Pending): void {
  writeSetting(tx, 'replacingIdentity', JSON.stringify(pending))
}

export function readPending(sql: Sql): Pending | null {
  const text = readSetting(sql, 'replacingIdentity')
  return text === null ? null : pendingSchema.parse(JSON.parse(text))
}

/** True for the job that hands the account's new keys to one of its devices. */
export function isHandover(sql: Sql, { refersTo }: Pick<Job, 'refersTo'>): boolean {
  const pending = readPending(sql)
  return pending !== null && refersTo !== null && sameBytes(refersTo, stored(pending.handover))
}

/** Keys that nobody has been handed yet. */
export function newPending(lost: readonly number[], keep: readonly number[]): Pending {
  return {
    identityKeyPair: toHex(newIdentityKeyPair()),
    profileKey: toHex(newProfileKey()),
    lost: [...lost],
    keep: keep.filter((deviceId) => !lost.includes(deviceId)),
    handover: toHex(randomBytes(16)),
  }
}
