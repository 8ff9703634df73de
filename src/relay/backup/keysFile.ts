import { createCipheriv, createDecipheriv, randomBytes, scrypt } from 'node:crypto'
import { z } from 'zod'
import { fromBase64Url, toBase64Url, utf8, type Bytes } from '../../base/bytes.ts'
import { CodedError } from '../../base/errors.ts'

/** Texts of files by their names. */
export type KeyFiles = Readonly<Record<string, string>>

/** 128 MiB and about half a second: what a guess of the passphrase costs too. */
const cost = { N: 2 ** 17, r: 8, p: 1 }
const memory = 256 * 1024 * 1024
const label = utf8('valise relay keys v1\0')
const tagBytes = 16

const sealedSchema = z.strictObject({
  version: z.literal(1),
  salt: z.string(),
  nonce: z.string(),
  sealed: z.string(),
})

/** The keys of a relay as one text, readable with the passphrase alone (scrypt, AES-256-GCM). */
export async function sealKeys(files: KeyFiles, passphrase: string): Promise<string> {
  const [salt, nonce] = [randomBytes(16), randomBytes(12)]
  const cipher = createCipheriv('aes-256-gcm', await derived(passphrase, salt), nonce).setAAD(label)
  const sealed = Buffer.concat([cipher.update(JSON.stringify(files)), cipher.final(), cipher.getAuthTag()])
  const parts = { salt: toBase64Url(salt), nonce: toBase64Url(nonce), sealed: toBase64Url(sealed) }
  return `${JSON.stringify({ version: 1, ...parts })}\n`
}

/** Throws `relay.backupDamaged` for a text of another kind, `relay.backupPassphrase` for another passphrase or an altered text. */
export async function openKeys(text: string, passphrase: string): Promise<KeyFiles> {
  const { salt, nonce, sealed } = parsed(text)
  const body = sealed.subarray(0, -tagBytes)
  try {
    const decipher = createDecipheriv('aes-256-gcm', await derived(passphrase, salt), nonce).setAAD(label)
    decipher.setAuthTag(sealed.subarray(-tagBytes))
    const opened = Buffer.concat([decipher.update(body), decipher.final()]).toString()
    return z.record(z.string(), z.string()).parse(JSON.parse(opened))
  } catch (thrown) {
    throw new CodedError('relay.backupPassphrase', {}, { cause: thrown })
  }
}

function parsed(text: string): { readonly salt: Bytes; readonly nonce: Bytes; readonly sealed: Bytes } {
  try {
    const fields = sealedSchema.parse(JSON.parse(text))
    const [salt, nonce, sealed] = [fields.salt, fields.nonce, fields.sealed].map(fromBase64Url)
    if (salt?.length === 16 && nonce?.length === 12 && sealed && sealed.length > tagBytes)
      return { salt, nonce, sealed }
  } catch (thrown) {
    throw new CodedError('relay.backupDamaged', {}, { cause: thrown })
  }
  throw new CodedError('relay.backupDamaged')
}

async function derived(passphrase: string, salt: Uint8Array): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    scrypt(passphrase.normalize('NFC'), salt, 32, { ...cost, maxmem: memory }, (error, key) => {
      if (error === null) resolve(key)
      else reject(error)
    })
  })
}
