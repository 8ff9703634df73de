import { createCipheriv, createDecipheriv, randomBytes, scrypt } from 'node:crypto'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { concatBytes, toBase64Url, toHex, utf8 } from '../../base/bytes.ts'
import { canonicalJson } from '../../base/canonicalJson.ts'
import { CodedError } from '../../base/errors.ts'
import {
  createSlots,
  describeSlots,
  failedPassphrases,
  openSlots,
  passphraseWaitUntil,
  type OsKeyStore,
} from './index.ts'
import { formatSlotFile, parseSlotFile } from './slotFile.ts'

vi.mock('node:crypto', async (original) => {
  const crypto = await original<{ readonly scrypt: typeof scrypt }>()
  return { ...crypto, scrypt: vi.fn(crypto.scrypt) }
})

/** A key store that really encrypts, as the operating systems' do. */
function keyStore(options: { available?: boolean; refuses?: boolean } = {}): OsKeyStore {
  const key = randomBytes(32)
  const refuse = (): void => {
    if (options.refuses === true) throw new Error('the keyring is locked')
  }
  return {
    available: () => Promise.resolve(options.available ?? true),
    wrap: async (secret) => {
      refuse()
      const nonce = randomBytes(12)
      const cipher = createCipheriv('aes-256-gcm', key, nonce)
      return concatBytes(nonce, cipher.update(secret), cipher.final(), cipher.getAuthTag())
    },
    unwrap: async (wrapped) => {
      refuse()
      const decipher = createDecipheriv('aes-256-gcm', key, wrapped.subarray(0, 12))
      decipher.setAuthTag(wrapped.subarray(-16))
      return concatBytes(decipher.update(wrapped.subarray(12, -16)), decipher.final())
    },
  }
}

async function codeOf(promise: Promise<unknown>): Promise<string> {
  const thrown: unknown = await promise.then(
    () => 'nothing was thrown',
    (error: unknown) => error,
  )
  return thrown instanceof CodedError ? thrown.code : String(thrown)
}

const now = 1_800_000_000_000
const clock = { now: () => now }
const good = 'la plume de ma tante'
const databaseKey = new Uint8Array(randomBytes(32))

let folder: string
let file: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'valise-slots-'))
  file = join(folder, 'keyslots.json')
})
afterEach(() => rmSync(folder, { recursive: true }))

describe('a slot of the operating system’s key store', () => {
  it('gives back the key, and only to that key store', async () => {
    const store = keyStore()
    await createSlots(file, databaseKey, { kind: 'osKeyStore', keyStore: store })
    expect(await openSlots(file, { kind: 'osKeyStore', keyStore: store }, clock)).toEqual(databaseKey)
    const foreign = { kind: 'osKeyStore' as const, keyStore: keyStore() }
    expect(await codeOf(openSlots(file, foreign, clock))).toBe('vault.keyStoreRefused')
    expect(await describeSlots(file)).toEqual({ kinds: ['osKeyStore'] })
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(readdirSync(folder)).toEqual(['keyslots.json'])
  })

  it('has no clear form of the key in the file', async () => {
    await createSlots(file, databaseKey, { kind: 'osKeyStore', keyStore: keyStore() })
    const bytes = readFileSync(file)
    const forms = [databaseKey, utf8(toHex(databaseKey)), utf8(toBase64Url(databaseKey))]
    for (const form of [...forms, utf8(Buffer.from(databaseKey).toString('base64'))]) {
      expect(bytes.includes(Buffer.from(form))).toBe(false)
    }
  })

  it('is not made without a key store, nor over an existing vault', async () => {
    const none = { kind: 'osKeyStore' as const, keyStore: keyStore({ available: false }) }
    expect(await codeOf(createSlots(file, databaseKey, none))).toBe('vault.noKeyStore')
    const locked = { kind: 'osKeyStore' as const, keyStore: keyStore({ refuses: true }) }
    expect(await codeOf(createSlots(file, databaseKey, locked))).toBe('vault.keyStoreRefused')
    expect(readdirSync(folder)).toEqual([])
    await createSlots(file, databaseKey, { kind: 'osKeyStore', keyStore: keyStore() })
    const before = readFileSync(file)
    const again = { kind: 'osKeyStore' as const, keyStore: keyStore() }
    expect(await codeOf(createSlots(file, databaseKey, again))).toBe('vault.exists')
    expect(readFileSync(file)).toEqual(before)
  })
})

describe('a damaged or forged slot file', () => {
  it('is refused after any flip of a byte and any cut', async () => {
    const store = keyStore()
    await createSlots(file, databaseKey, { kind: 'osKeyStore', keyStore: store })
    const whole = readFileSync(file)
    const position = fc.nat({ max: whole.length - 1 })
    const damage = fc.oneof(
      fc.tuple(position, fc.integer({ min: 1, max: 255 })).map(([at, mask]) => {
        const bytes = Uint8Array.from(whole)
        bytes[at] = (bytes[at] ?? 0) ^ mask
        return bytes
      }),
      position.map((length) => Uint8Array.from(whole.subarray(0, length))),
      fc.uint8Array({ minLength: 1, maxLength: 20 }).map((tail) => concatBytes(whole, tail)),
    )
    await fc.assert(
      fc.asyncProperty(damage, async (bytes) => {
        writeFileSync(file, bytes)
        const code = await codeOf(openSlots(file, { kind: 'osKeyStore', keyStore: store }, clock))
        expect(['vault.slotsDamaged', 'vault.newer']).toContain(code)
        expect(readFileSync(file)).toEqual(Buffer.from(bytes))
      }),
      { numRuns: 400 },
    )
  })

  it('is refused when its checksum was made right but its slot is another vault’s', async () => {
    const store = keyStore()
    await createSlots(file, databaseKey, { kind: 'osKeyStore', keyStore: store })
    const other = new Uint8Array(randomBytes(32))
    const slot = { kind: 'osKeyStore' as const, wrapped: toBase64Url(await store.wrap(other)) }
    // Body and checksum fit each other; the MAC is that of the first database key.
    writeFileSync(file, formatSlotFile([slot], databaseKey))
    expect(await codeOf(openSlots(file, { kind: 'osKeyStore', keyStore: store }, clock))).toBe(
      'vault.slotsDamaged',
    )
    const short = { kind: 'osKeyStore' as const, wrapped: toBase64Url(await store.wrap(new Uint8Array(16))) }
    writeFileSync(file, formatSlotFile([short], new Uint8Array(16)))
    expect(await codeOf(openSlots(file, { kind: 'osKeyStore', keyStore: store }, clock))).toBe(
      'vault.slotsDamaged',
    )
  })

  it('tells a later version from damage, and names slots of later kinds', () => {
    const later = { format: 'valise key slots', version: 2, anything: true }
    expect(() => parseSlotFile(utf8(canonicalJson(later)))).toThrow('vault.newer')
    expect(() => parseSlotFile(utf8(canonicalJson({ ...later, version: 0 })))).toThrow('vault.slotsDamaged')
    expect(() => parseSlotFile(utf8('['.repeat(60_000)))).toThrow('vault.slotsDamaged')
    const tpm: unknown = { kind: 'tpm', handle: 7 }
    const bytes = formatSlotFile([tpm as never], databaseKey)
    expect(parseSlotFile(bytes).slots).toEqual([{ kind: 'other', name: 'tpm' }])
  })

  it('is missing, a folder or endless', async () => {
    const opener = { kind: 'osKeyStore' as const, keyStore: keyStore() }
    expect(await codeOf(openSlots(file, opener, clock))).toBe('vault.slotsDamaged')
    expect(await codeOf(describeSlots(folder))).toBe('vault.slotsDamaged')
    writeFileSync(file, Buffer.alloc(1024 * 1024, 0x20))
    expect(await codeOf(openSlots(file, opener, clock))).toBe('vault.slotsDamaged')
  })
})

describe('a passphrase slot', () => {
  it('opens with the passphrase however it was typed, counts wrong ones and waits', async () => {
    const typed = 'Cle\u0301 du\u00a0cabinet nº 7'
    await createSlots(file, databaseKey, { kind: 'passphrase', passphrase: typed, minLength: 16 })
    const slot = parseSlotFile(readFileSync(file)).slots[0]
    if (slot?.kind !== 'passphrase') throw new Error('kind of the slot')
    expect(slot.scrypt.cost).toBeGreaterThanOrEqual(2 ** 17)

    const wrong = { kind: 'passphrase' as const, passphrase: 'Clé du cabinet no 7' }
    expect(await codeOf(openSlots(file, wrong, clock))).toBe('vault.passphraseWrong')
    expect(await failedPassphrases(file, clock)).toBe(1)
    const composed = { kind: 'passphrase' as const, passphrase: 'Cl\u00e9 du cabinet nº 7' }
    expect(await openSlots(file, composed, clock)).toEqual(databaseKey)
    expect(existsSync(join(folder, 'attempts.json'))).toBe(false)

    writeFileSync(
      join(folder, 'attempts.json'),
      canonicalJson({ version: 1, failures: 4, waitMs: 0, notedAt: now }),
    )
    await expect(openSlots(file, wrong, clock)).rejects.toMatchObject({ details: { attemptsLeft: 0 } })
    expect(await passphraseWaitUntil(file, clock)).toBe(now + 30_000)
    await expect(openSlots(file, composed, clock)).rejects.toMatchObject({
      code: 'vault.passphraseWait',
      details: { seconds: 30 },
    })
    expect(await openSlots(file, composed, { now: () => now + 30_000 })).toEqual(databaseKey)
  })

  it('counts an attempt before it is tried', async () => {
    await createSlots(file, databaseKey, { kind: 'passphrase', passphrase: good, minLength: 8 })
    const derive = vi.mocked(scrypt).getMockImplementation()
    const counted: boolean[] = []
    vi.mocked(scrypt).mockImplementationOnce((...parts) => {
      counted.push(existsSync(join(folder, 'attempts.json')))
      derive?.(...parts)
    })
    const wrong = { kind: 'passphrase', passphrase: 'another one' } as const
    expect(await codeOf(openSlots(file, wrong, clock))).toBe('vault.passphraseWrong')
    expect(counted).toEqual([true])
  })

  it('refuses a short passphrase and a cost outside its bounds', async () => {
    const short = { kind: 'passphrase' as const, passphrase: 'e\u0301'.repeat(15), minLength: 16 }
    expect(await codeOf(createSlots(file, databaseKey, short))).toBe('vault.passphraseTooShort')
    await createSlots(file, databaseKey, { kind: 'passphrase', passphrase: good, minLength: 16 })
    const slot = parseSlotFile(readFileSync(file)).slots[0]
    if (slot?.kind !== 'passphrase') throw new Error('kind of the slot')
    for (const cost of [2 ** 10, 2 ** 30]) {
      const weak = { ...slot, scrypt: { ...slot.scrypt, cost: cost as never } }
      expect(() => parseSlotFile(formatSlotFile([weak], databaseKey))).toThrow('vault.slotsDamaged')
    }
    // A changed parameter or salt is authenticated: the right passphrase gives no key at all.
    const moved = { ...slot, scrypt: { ...slot.scrypt, salt: toBase64Url(randomBytes(32)) } }
    writeFileSync(file, formatSlotFile([moved], databaseKey))
    const opener = { kind: 'passphrase' as const, passphrase: good }
    expect(await codeOf(openSlots(file, opener, clock))).toBe('vault.passphraseWrong')
    expect(await codeOf(openSlots(file, { kind: 'osKeyStore', keyStore: keyStore() }, clock))).toBe(
      'argument.invalid',
    )
  })
})
