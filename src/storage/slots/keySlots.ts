import { open, stat } from 'node:fs/promises'
import { fileError, systemCode, writeFileAtomically } from '../../base/atomicFile.ts'
import type { Bytes } from '../../base/bytes.ts'
import type { Clock } from '../../base/clock.ts'
import { CodedError } from '../../base/errors.ts'
import { exhausted } from '../../base/exhaustive.ts'
import {
  attemptsLeft,
  failedAttempt,
  forgetAttempts,
  keepAttempts,
  readAttempts,
  remainingWait,
} from './attempts.ts'
import { unwrapByKeyStore, wrapByKeyStore, type OsKeyStore } from './osKeyStoreSlot.ts'
import { passphraseLength, unwrapByPassphrase, wrapByPassphrase } from './passphraseSlot.ts'
import {
  formatSlotFile,
  parseSlotFile,
  slotFileBytes,
  verifySlotFile,
  type KnownSlot,
  type SlotFile,
} from './slotFile.ts'

export const databaseKeyBytes = 32

/** How a new vault is to be opened. `minLength` is policy's, in code points. */
export type SlotProtection =
  | { readonly kind: 'osKeyStore'; readonly keyStore: OsKeyStore }
  | { readonly kind: 'passphrase'; readonly passphrase: string; readonly minLength: number }

export type SlotOpener =
  | { readonly kind: 'osKeyStore'; readonly keyStore: OsKeyStore }
  | { readonly kind: 'passphrase'; readonly passphrase: string }

/** What can be told of a vault's slots without any key. */
export interface SlotsDescription {
  /** In the order of the file; a kind that this version does not know appears under its own name. */
  readonly kinds: readonly string[]
}

/**
 * Writes the slot file of a new vault, durably and with mode 0600. The caller keeps and clears `databaseKey` (32 bytes).
 * Throws `vault.exists`, `vault.passphraseTooShort`, `vault.noKeyStore`, `vault.keyStoreRefused`, `vault.diskFull`,
 * `profile.notWritable`. A passphrase takes about a second.
 */
export async function createSlots(
  file: string,
  databaseKey: Uint8Array,
  protection: SlotProtection,
): Promise<void> {
  if (await exists(file)) throw new CodedError('vault.exists')
  await replaceSlots(file, databaseKey, protection)
}

/** The same for a vault that has slots: they are replaced by the new one in one durable step. */
export async function replaceSlots(
  file: string,
  databaseKey: Uint8Array,
  protection: SlotProtection,
): Promise<void> {
  if (databaseKey.length !== databaseKeyBytes) throw new RangeError('length of the database key')
  const slot = await wrapped(databaseKey, protection)
  await forgetAttempts(file)
  await writeFileAtomically(file, formatSlotFile([slot], databaseKey))
}

/**
 * The 32-byte database key; the caller clears it. One call at a time for a file.
 * Throws `vault.slotsDamaged` (also when the file is gone), `vault.newer`; `vault.noKeyStore`, `vault.keyStoreRefused`;
 * `vault.passphraseWrong {attemptsLeft}`, `vault.passphraseWait {seconds}`; `argument.invalid` where no slot is of the
 * opener's kind; `vault.diskFull`, `profile.notWritable` where an attempt cannot be counted.
 */
export async function openSlots(file: string, opener: SlotOpener, clock: Clock): Promise<Bytes> {
  const slotFile = parseSlotFile(await slotBytes(file))
  const key = await unwrapped(file, slotFile, opener, clock)
  try {
    if (key.length !== databaseKeyBytes) throw new CodedError('vault.slotsDamaged')
    verifySlotFile(slotFile, key)
    return key
  } catch (thrown) {
    key.fill(0)
    throw thrown
  }
}

/** Throws `vault.slotsDamaged` (also when the file is gone), `vault.newer`. */
export async function describeSlots(file: string): Promise<SlotsDescription> {
  const { slots } = parseSlotFile(await slotBytes(file))
  return { kinds: slots.map((slot) => (slot.kind === 'other' ? slot.name : slot.kind)) }
}

/** Until when no passphrase is taken, in ms since the epoch by `clock`; null when one may be tried now. */
export async function passphraseWaitUntil(file: string, clock: Clock): Promise<number | null> {
  const now = clock.now()
  const leftMs = await waitLeft(file, now)
  return leftMs === 0 ? null : now + leftMs
}

/** Passphrases that failed since the vault was last opened with one; read before opening, for the journal. */
export async function failedPassphrases(file: string, clock: Clock): Promise<number> {
  return (await readAttempts(file, clock.now())).failures
}

async function wrapped(databaseKey: Uint8Array, protection: SlotProtection): Promise<KnownSlot> {
  switch (protection.kind) {
    case 'osKeyStore':
      return wrapByKeyStore(databaseKey, protection.keyStore)
    case 'passphrase': {
      const { passphrase, minLength } = protection
      // SECURITY 15: the length that policy asks for is enforced here, whatever the interface let through.
      if (passphraseLength(passphrase) < minLength)
        throw new CodedError('vault.passphraseTooShort', { minLength })
      return wrapByPassphrase(databaseKey, passphrase)
    }
    default:
      return exhausted(protection)
  }
}

async function unwrapped(
  file: string,
  { slots }: SlotFile,
  opener: SlotOpener,
  clock: Clock,
): Promise<Bytes> {
  switch (opener.kind) {
    case 'osKeyStore': {
      const slot = slots.find((one) => one.kind === 'osKeyStore')
      if (slot === undefined) throw new CodedError('argument.invalid')
      return unwrapByKeyStore(slot, opener.keyStore)
    }
    case 'passphrase':
      return unwrappedByPassphrase(file, slots, opener.passphrase, clock)
    default:
      return exhausted(opener)
  }
}

async function unwrappedByPassphrase(
  file: string,
  slots: SlotFile['slots'],
  passphrase: string,
  clock: Clock,
): Promise<Bytes> {
  const slot = slots.find((one) => one.kind === 'passphrase')
  if (slot === undefined) throw new CodedError('argument.invalid')
  const leftMs = await waitLeft(file, clock.now())
  if (leftMs > 0) throw new CodedError('vault.passphraseWait', { seconds: Math.ceil(leftMs / 1000) })
  // Counted as failed before it is tried: killing the process in the middle gains no attempt.
  const counted = failedAttempt(await readAttempts(file, clock.now()), clock.now())
  await keepAttempts(file, counted)
  const key = await unwrapByPassphrase(slot, passphrase)
  if (key === null) throw new CodedError('vault.passphraseWrong', { attemptsLeft: attemptsLeft(counted) })
  await forgetAttempts(file)
  return key
}

async function waitLeft(file: string, now: number): Promise<number> {
  const attempts = await readAttempts(file, now)
  const { leftMs, next } = remainingWait(attempts, now)
  if (next !== attempts) await keepAttempts(file, next)
  return leftMs
}

/** At most one byte more than a slot file may have, so that a huge one is refused and not read. */
async function slotBytes(file: string): Promise<Uint8Array> {
  try {
    const handle = await open(file, 'r')
    try {
      const buffer = new Uint8Array(slotFileBytes + 1)
      const { bytesRead } = await handle.read(buffer, 0, buffer.length, 0)
      if (bytesRead > slotFileBytes) throw new CodedError('vault.slotsDamaged')
      return buffer.subarray(0, bytesRead)
    } finally {
      await handle.close()
    }
  } catch (thrown) {
    const damaged = ['ENOENT', 'ENOTDIR', 'EISDIR'].includes(systemCode(thrown) ?? '')
    throw damaged ? new CodedError('vault.slotsDamaged', {}, { cause: thrown }) : fileError(thrown)
  }
}

async function exists(file: string): Promise<boolean> {
  try {
    await stat(file)
    return true
  } catch (thrown) {
    if (systemCode(thrown) === 'ENOENT') return false
    throw fileError(thrown)
  }
}
