import { copyBytes, sameBytes, type Bytes } from '../../base/bytes.ts'
import { CodedError } from '../../base/errors.ts'
import { uuidBytes } from './accountRows.ts'
import type { IdentityAdoption, IdentityReplacement, IdentityStore, ReplaceOutcome } from './deviceStore.ts'
import { bump, removeDevice } from './sqliteDevices.ts'
import { orUnavailable, type SqliteDatabase } from './sqliteOpen.ts'
import type { KeyWriter } from './sqliteKeys.ts'

interface OwnerRow {
  readonly account: number
  readonly identity_key: Uint8Array
}

export function sqliteIdentities(db: SqliteDatabase, writeKeys: KeyWriter): IdentityStore {
  const changes = new Changes(db, writeKeys)
  const hashOf = db.prepare<[Uint8Array], { access_key_hash: Uint8Array | null }>(
    'SELECT access_key_hash FROM accounts WHERE account_id = ? AND enrolled_at IS NOT NULL',
  )
  const setHash = db.prepare<[Bytes, Uint8Array]>(
    'UPDATE accounts SET access_key_hash = ? WHERE account_id = ?',
  )
  return {
    replace: async (replacement) =>
      orUnavailable(() => db.transaction(() => changes.replace(replacement)).immediate()),
    adopt: async (adoption) => orUnavailable(() => db.transaction(() => changes.adopt(adoption)).immediate()),
    accessKeyHash: async (accountId) => {
      const hash = orUnavailable(() => hashOf.get(uuidBytes(accountId)))?.access_key_hash
      return hash === null || hash === undefined ? null : copyBytes(hash)
    },
    setAccessKeyHash: async (accountId, hash) => {
      orUnavailable(() => setHash.run(hash, uuidBytes(accountId)))
    },
  }
}

class Changes {
  readonly #db: SqliteDatabase
  readonly #writeKeys: KeyWriter
  readonly #owner
  readonly #attest
  readonly #setIdentity
  readonly #devices
  readonly #drops

  constructor(db: SqliteDatabase, writeKeys: KeyWriter) {
    this.#db = db
    this.#writeKeys = writeKeys
    this.#owner = db.prepare<[number], OwnerRow>(
      `SELECT d.account, a.identity_key
       FROM devices d JOIN accounts a ON a.id = d.account WHERE d.id = ?`,
    )
    this.#attest = db.prepare<[Bytes, number]>('UPDATE devices SET attestation = ? WHERE id = ?')
    this.#setIdentity = db.prepare<[Bytes, Bytes, number]>(
      'UPDATE accounts SET identity_key = ?, access_key_hash = ? WHERE id = ?',
    )
    this.#devices = db.prepare<[number], { id: number; device_id: number }>(
      'SELECT id, device_id FROM devices WHERE account = ?',
    )
    this.#drops = ['device_keys', 'one_time_pre_keys', 'one_time_kyber_pre_keys'].map((table) =>
      db.prepare<[number]>(`DELETE FROM ${table} WHERE device = ?`),
    )
  }

  replace(replacement: IdentityReplacement): ReplaceOutcome {
    const owner = this.#ownerOf(replacement.device)
    const { account } = owner
    if (sameBytes(owner.identity_key, replacement.identityKey)) return this.#repeat(account, replacement)
    if (!sameBytes(owner.identity_key, replacement.previousIdentityKey)) return { kind: 'superseded' }
    const removed: number[] = []
    for (const { id, device_id } of this.#devices.all(account)) {
      const kept = id === replacement.device || replacement.keep.includes(device_id)
      if (kept) this.#dropKeys(id)
      else if (removeDevice(this.#db, account, device_id) !== null) removed.push(id)
    }
    this.#setIdentity.run(replacement.identityKey, replacement.accessKeyHash, account)
    this.#bring(replacement)
    return { kind: 'replaced', revision: bump(this.#db, account), removed }
  }

  /** The answer was lost. The keys may be others than the first time; those of other devices are left alone. */
  #repeat(account: number, replacement: IdentityReplacement): ReplaceOutcome {
    this.#dropKeys(replacement.device)
    this.#setIdentity.run(replacement.identityKey, replacement.accessKeyHash, account)
    this.#bring(replacement)
    return { kind: 'replaced', revision: bump(this.#db, account), removed: [] }
  }

  adopt(adoption: IdentityAdoption): { readonly revision: number } | null {
    const owner = this.#ownerOf(adoption.device)
    if (!sameBytes(owner.identity_key, adoption.identityKey)) return null
    this.#dropKeys(adoption.device)
    this.#bring(adoption)
    return { revision: bump(this.#db, owner.account) }
  }

  #ownerOf(device: number): OwnerRow {
    const owner = this.#owner.get(device)
    if (owner === undefined) throw new CodedError('relay.deviceGone')
    return owner
  }

  #bring({ device, attestation, keys }: IdentityAdoption): void {
    this.#attest.run(attestation, device)
    this.#writeKeys(device, keys)
  }

  #dropKeys(device: number): void {
    for (const drop of this.#drops) drop.run(device)
  }
}
