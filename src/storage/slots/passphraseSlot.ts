import { createCipheriv, createDecipheriv, randomBytes, scrypt } from 'node:crypto'
import { z } from 'zod'
import { concatBytes, fromBase64Url, toBase64Url, utf8, type Bytes } from '../../base/bytes.ts'
import { CodedError } from '../../base/errors.ts'
import { slotHeader } from './slotHeader.ts'

/** scrypt (RFC 7914). Memory is 128 * cost * blockSize bytes: 128 MiB at the least, 256 MiB at the most. */
const blockSize = 8
const costs = [2 ** 17, 2 ** 18] as const
const parallelisationAtMost = 16
/** How long a derivation should take on the machine that makes the slot. */
const goalMs = 500

const base64Url = (length: number) => z.string().refine((text) => fromBase64Url(text)?.length === length)

export const passphraseSlotSchema = z.strictObject({
  kind: z.literal('passphrase'),
  /** Bounds on both sides: neither a weak slot nor one that takes all memory is ever worked on. */
  scrypt: z.strictObject({
    cost: z.literal(costs),
    blockSize: z.literal(blockSize),
    parallelisation: z.int().min(1).max(parallelisationAtMost),
    salt: base64Url(32),
  }),
  nonce: base64Url(12),
  /** AES-256-GCM: 32 bytes and the tag of 16, with the rest of the slot as additional data. */
  wrapped: base64Url(48),
})
export type PassphraseSlot = z.output<typeof passphraseSlotSchema>

export type ScryptCost = Pick<PassphraseSlot['scrypt'], 'cost' | 'blockSize' | 'parallelisation'>
export const leastCost: ScryptCost = { cost: costs[0], blockSize, parallelisation: 1 }

/**
 * One form for what different keyboards make of one passphrase, by RFC 8265 section 4.2 (OpaqueString): every space
 * is U+0020 (French layouts easily type a no-break one), then NFC. Not NFKC: it would make different passphrases one.
 */
export function normalisedPassphrase(typed: string): string {
  return typed.replaceAll(/\p{Zs}/gu, ' ').normalize('NFC')
}

/** Characters as a policy counts them: code points after normalisation. */
export function passphraseLength(typed: string): number {
  return Array.from(normalisedPassphrase(typed)).length
}

/** The cost that takes about half a second, given the milliseconds that the least cost took here. */
export function costFor(leastMs: number): ScryptCost {
  const factor = goalMs / Math.max(1, leastMs)
  if (factor < 1.5) return leastCost
  // Memory first: it is what makes an attacker's machine dear.
  return {
    cost: costs[1],
    blockSize,
    // Rounded once: the larger memory costs twice the time already.
    parallelisation: Math.min(Math.max(1, Math.round(factor / 2)), parallelisationAtMost),
  }
}

/** Takes about a second: it measures this machine first. */
export async function wrapByPassphrase(databaseKey: Uint8Array, passphrase: string): Promise<PassphraseSlot> {
  const salt = randomBytes(32)
  const started = performance.now()
  ;(await derive(passphrase, leastCost, salt)).fill(0)
  const parameters = costFor(performance.now() - started)
  const header = {
    kind: 'passphrase' as const,
    scrypt: { ...parameters, salt: toBase64Url(salt) },
    nonce: toBase64Url(randomBytes(12)),
  }
  const key = await derive(passphrase, parameters, salt)
  try {
    const cipher = createCipheriv('aes-256-gcm', key, bytesOf(header.nonce)).setAAD(slotHeader(header))
    const sealed = concatBytes(cipher.update(databaseKey), cipher.final(), cipher.getAuthTag())
    return { ...header, wrapped: toBase64Url(sealed) }
  } finally {
    key.fill(0)
  }
}

/** The database key, or null for another passphrase. Does not block: scrypt runs in Node's thread pool. */
export async function unwrapByPassphrase(slot: PassphraseSlot, passphrase: string): Promise<Bytes | null> {
  const { wrapped, ...header } = slot
  const sealed = bytesOf(wrapped)
  const key = await derive(passphrase, slot.scrypt, bytesOf(slot.scrypt.salt))
  const decipher = createDecipheriv('aes-256-gcm', key, bytesOf(slot.nonce), { authTagLength: 16 })
  decipher.setAAD(slotHeader(header)).setAuthTag(sealed.subarray(32))
  const opened = decipher.update(sealed.subarray(0, 32))
  try {
    decipher.final()
    return new Uint8Array(opened)
  } catch {
    return null
  } finally {
    opened.fill(0)
    key.fill(0)
  }
}

function derive(passphrase: string, parameters: ScryptCost, salt: Uint8Array): Promise<Buffer> {
  const { cost, parallelisation } = parameters
  const secret = utf8(normalisedPassphrase(passphrase))
  const options = { cost, blockSize, parallelization: parallelisation, maxmem: 256 * cost * blockSize }
  return new Promise<Buffer>((resolve, reject) => {
    scrypt(secret, salt, 32, options, (error, key) => (error === null ? resolve(key) : reject(error)))
  }).finally(() => secret.fill(0))
}

function bytesOf(text: string): Bytes {
  const bytes = fromBase64Url(text)
  if (bytes === null) throw new CodedError('vault.slotsDamaged')
  return bytes
}
