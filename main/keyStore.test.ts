import { describe, expect, it } from 'vitest'
import { createKeyStore, type SafeStorage } from './keyStore.ts'

/** The table of the measured Linux sessions: what both answers were, and whether that protects anything. */
const sessions: [string, boolean, string, boolean][] = [
  ['nothing', false, 'basic_text', false],
  ['a plain-text store that calls itself available', true, 'basic_text', false],
  ['a keyring', true, 'gnome_libsecret', true],
  ['a backend by switch without a keyring', false, 'gnome_libsecret', false],
  ['KDE', true, 'kwallet6', true],
  ['before ready', true, 'unknown', false],
  ['a backend of the future', true, 'something', false],
]

const reverse = (text: string) => [...text].toReversed().join('')

function storage(isAvailable: boolean, backend: string, used: string[] = []): SafeStorage {
  return {
    isEncryptionAvailable: () => isAvailable,
    getSelectedStorageBackend: () => backend,
    encryptString: (text) => {
      used.push('encrypt')
      return Buffer.from(reverse(text))
    },
    decryptString: (bytes) => {
      used.push('decrypt')
      if (bytes.length === 0) throw new Error('text of the system')
      return reverse(bytes.toString())
    },
  }
}

const secret = new Uint8Array([0, 255, 128, 10])

describe('createKeyStore', () => {
  it.each(sessions)('%s', async (_name, isAvailable, backend, expected) => {
    const store = createKeyStore(storage(isAvailable, backend), 'linux')
    expect(await store.available()).toBe(expected)
    if (expected) expect(await store.unwrap(await store.wrap(secret))).toEqual(secret)
    else await expect(store.wrap(secret)).rejects.toThrow('vault.keyStoreRefused')
  })

  it('asks for no backend where there is only one', async () => {
    expect(await createKeyStore(storage(true, 'unknown'), 'darwin').available()).toBe(true)
    expect(await createKeyStore(storage(false, 'unknown'), 'win32').available()).toBe(false)
  })

  it('prefers the asynchronous interface where it exists', async () => {
    const used: string[] = []
    const newer: SafeStorage = {
      ...storage(true, 'gnome_libsecret', used),
      isAsyncEncryptionAvailable: () => Promise.resolve(true),
      encryptStringAsync: (text) => Promise.resolve(Buffer.from(`async ${text}`)),
      decryptStringAsync: (bytes) =>
        Promise.resolve({ shouldReEncrypt: false, result: bytes.toString().slice(6) }),
    }
    const store = createKeyStore(newer, 'linux')
    expect(await store.unwrap(await store.wrap(secret))).toEqual(secret)
    expect(used).toEqual([])
    const locked = createKeyStore(
      { ...newer, isAsyncEncryptionAvailable: () => Promise.resolve(false) },
      'linux',
    )
    expect(await locked.available()).toBe(false)
  })

  it('gives a code and no text when the store refuses', async () => {
    const store = createKeyStore(storage(true, 'kwallet'), 'linux')
    await expect(store.unwrap(new Uint8Array(0))).rejects.toMatchObject({
      code: 'vault.keyStoreRefused',
      message: 'vault.keyStoreRefused',
    })
  })
})
