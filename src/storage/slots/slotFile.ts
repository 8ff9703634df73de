import { createHash, hkdfSync, createHmac } from 'node:crypto'
import { z } from 'zod'
import { sameBytes, toHex, utf8, type Bytes } from '../../base/bytes.ts'
import { canonicalJson, parseJson, type JsonValue } from '../../base/canonicalJson.ts'
import { CodedError } from '../../base/errors.ts'
import { osKeyStoreSlotSchema } from './osKeyStoreSlot.ts'
import { passphraseSlotSchema } from './passphraseSlot.ts'
import { slotFileVersion, slotFormat } from './slotHeader.ts'

/**
 * `keyslots.json`: canonical JSON (RFC 8785) of
 *   format, version, slots   the body; each slot holds the database key, wrapped in its own way
 *   check                    SHA-256 of the body: tells damage from a wrong passphrase before any key is there
 *   mac                      HMAC-SHA256 of the body under a key derived from the database key: tells forgery
 * One text for one content: whatever is not exactly what would be written is refused.
 */
export const slotFileBytes = 64 * 1024
const slotsAtMost = 16

const knownSlotSchema = z.discriminatedUnion('kind', [osKeyStoreSlotSchema, passphraseSlotSchema])
export type KnownSlot = z.output<typeof knownSlotSchema>
const knownKinds: ReadonlySet<string> = new Set<KnownSlot['kind']>(['osKeyStore', 'passphrase'])

/** A slot of a kind that a newer version made; kept and authenticated, not opened. */
export interface OtherSlot {
  readonly kind: 'other'
  readonly name: string
}
export type Slot = KnownSlot | OtherSlot

const otherSlotSchema = z
  .looseObject({ kind: z.string().min(1).max(32) })
  .refine((slot) => !knownKinds.has(slot.kind))
  .transform((slot): OtherSlot => ({ kind: 'other', name: slot.kind }))

const fileSchema = z.strictObject({
  format: z.literal(slotFormat),
  version: z.literal(slotFileVersion),
  slots: z
    .array(z.union([knownSlotSchema, otherSlotSchema]))
    .min(1)
    .max(slotsAtMost),
  check: z.string(),
  mac: z.string(),
})

const versionSchema = z.looseObject({ format: z.literal(slotFormat), version: z.int().min(1) })

export interface SlotFile {
  readonly slots: readonly Slot[]
  /** The exact bytes that `check` and `mac` cover. */
  readonly body: Bytes
  readonly mac: string
}

export function formatSlotFile(slots: readonly KnownSlot[], databaseKey: Uint8Array): Bytes {
  const body = { format: slotFormat, version: slotFileVersion, slots }
  const bytes = utf8(canonicalJson(body))
  return utf8(canonicalJson({ ...body, check: checkOf(bytes), mac: macOf(bytes, databaseKey) }))
}

/** Throws `vault.newer` for a later version, `vault.slotsDamaged` for anything else that is not whole. */
export function parseSlotFile(bytes: Uint8Array): SlotFile {
  const raw = canonicalValue(bytes)
  const versioned = versionSchema.safeParse(raw)
  if (versioned.success && versioned.data.version > slotFileVersion) throw new CodedError('vault.newer')
  const file = fileSchema.safeParse(raw)
  if (!file.success || !isObject(raw)) throw new CodedError('vault.slotsDamaged')
  const { check, mac: _mac, ...rest } = raw
  const body = utf8(canonicalJson(rest))
  if (check !== checkOf(body)) throw new CodedError('vault.slotsDamaged')
  return { slots: file.data.slots, body, mac: file.data.mac }
}

/** Refuses a file that was not written by someone who held this database key. */
export function verifySlotFile(file: SlotFile, databaseKey: Uint8Array): void {
  if (!sameBytes(utf8(file.mac), utf8(macOf(file.body, databaseKey))))
    throw new CodedError('vault.slotsDamaged')
}

function canonicalValue(bytes: Uint8Array): JsonValue {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
    const value = parseJson(text)
    if (canonicalJson(value) === text) return value
  } catch {
    // falls through: not UTF-8, not JSON, or nested past all measure
  }
  throw new CodedError('vault.slotsDamaged')
}

function isObject(value: JsonValue): value is { readonly [key: string]: JsonValue } {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function checkOf(body: Uint8Array): string {
  return createHash('sha256').update(body).digest('hex')
}

function macOf(body: Uint8Array, databaseKey: Uint8Array): string {
  // One key, one use: the database key itself only ever goes to SQLCipher and to key derivation.
  const key = new Uint8Array(
    hkdfSync('sha256', databaseKey, new Uint8Array(0), 'valise key slots mac v1', 32),
  )
  const mac = toHex(createHmac('sha256', key).update(body).digest())
  key.fill(0)
  return mac
}
