import { z } from 'zod'
import { fromBase64Url, toBase64Url, type Bytes } from '../../base/bytes.ts'
import { CodedError } from '../../base/errors.ts'

/** Base64url of up to 4 KiB: what an operating system's key store makes of 32 bytes. */
export const osKeyStoreSlotSchema = z.strictObject({
  kind: z.literal('osKeyStore'),
  wrapped: z
    .string()
    .max(6 * 1024)
    .refine((text) => (fromBase64Url(text)?.length ?? 0) > 0),
})
export type OsKeyStoreSlot = z.output<typeof osKeyStoreSlotSchema>

/** The same as the engine's host gives; written again, for storage does not know the engine. */
export interface OsKeyStore {
  available(): Promise<boolean>
  wrap(secret: Uint8Array): Promise<Uint8Array>
  unwrap(wrapped: Uint8Array): Promise<Uint8Array>
}

/** Throws `vault.noKeyStore` where there is none, `vault.keyStoreRefused` where it does not answer. */
export async function wrapByKeyStore(databaseKey: Uint8Array, keyStore: OsKeyStore): Promise<OsKeyStoreSlot> {
  const wrapped = await asked(keyStore, () => keyStore.wrap(databaseKey))
  return { kind: 'osKeyStore', wrapped: toBase64Url(wrapped) }
}

/** What the key store makes of the slot, of any length; whether it is the key, the file's MAC tells. */
export async function unwrapByKeyStore(slot: OsKeyStoreSlot, keyStore: OsKeyStore): Promise<Bytes> {
  const wrapped = fromBase64Url(slot.wrapped)
  if (wrapped === null) throw new CodedError('vault.slotsDamaged')
  const opened = await asked(keyStore, () => keyStore.unwrap(wrapped))
  const key = new Uint8Array(opened)
  opened.fill(0)
  return key
}

async function asked<T>(keyStore: OsKeyStore, use: () => Promise<T>): Promise<T> {
  if (!(await keyStore.available())) throw new CodedError('vault.noKeyStore')
  try {
    return await use()
  } catch (thrown) {
    throw thrown instanceof CodedError
      ? thrown
      : new CodedError('vault.keyStoreRefused', {}, { cause: thrown })
  }
}
