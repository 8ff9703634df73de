import { CodedError } from '../src/base/errors.ts'
import type { OsKeyStore } from '../src/engine/host.ts'

/** The parts of Electron's safeStorage that are used; the asynchronous ones exist only in newer versions. */
export interface SafeStorage {
  isEncryptionAvailable(): boolean
  getSelectedStorageBackend(): string
  encryptString(plainText: string): Buffer
  decryptString(encrypted: Buffer): string
  isAsyncEncryptionAvailable?(): Promise<boolean>
  encryptStringAsync?(plainText: string): Promise<Buffer>
  decryptStringAsync?(encrypted: Buffer): Promise<{ readonly result: string }>
}

/** Linux backends that hold a key behind the session's login; `basic_text` is a constant password in the source. */
const protectingBackends: ReadonlySet<string> = new Set([
  'gnome_libsecret',
  'kwallet',
  'kwallet5',
  'kwallet6',
])

/**
 * SECURITY 2: the operating system's key store, or none. To be used after `ready`. Any failure of the store is
 * `vault.keyStoreRefused`; its own text goes nowhere.
 */
export function createKeyStore(storage: SafeStorage, platform: NodeJS.Platform): OsKeyStore {
  async function available(): Promise<boolean> {
    // Both are needed: with the switch --password-store a backend is named where nothing answers, and the reverse.
    if (platform === 'linux' && !protectingBackends.has(storage.getSelectedStorageBackend())) return false
    if (!storage.isEncryptionAvailable()) return false
    return (await storage.isAsyncEncryptionAvailable?.()) ?? true
  }

  async function coded<T>(act: () => Promise<T>): Promise<T> {
    if (!(await available())) throw new CodedError('vault.keyStoreRefused')
    try {
      return await act()
    } catch (error) {
      throw new CodedError('vault.keyStoreRefused', {}, { cause: error })
    }
  }

  return {
    available,
    wrap: (secret) =>
      coded(async () => {
        const text = Buffer.from(secret).toString('base64')
        return new Uint8Array((await storage.encryptStringAsync?.(text)) ?? storage.encryptString(text))
      }),
    unwrap: (wrapped) =>
      coded(async () => {
        const bytes = Buffer.from(wrapped)
        const text = (await storage.decryptStringAsync?.(bytes))?.result ?? storage.decryptString(bytes)
        return new Uint8Array(Buffer.from(text, 'base64'))
      }),
  }
}
