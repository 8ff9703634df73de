import type { Bytes } from '../base/bytes.ts'
import { toHex } from '../base/bytes.ts'
import type { Sql } from './binding.ts'
import { Overlay } from './recordTable.ts'
import {
  recordTables,
  type IdentityRecord,
  type KyberRecord,
  type RecordTables,
  type RetiredSession,
  type TimedRecord,
} from './records.ts'
import type { Tx, Vault } from './vault.ts'

type Write = (tx: Tx) => void

/**
 * Everything one unit of work changes, kept beside the vault until one transaction commits it whole
 * (ARCHITECTURE section 3). libsignal's stores read through it and write into it; message rows, dedupe keys,
 * receipt jobs and journal events are added as writes. A set that is not committed never happened.
 */
export class WriteSet {
  readonly identities: Overlay<IdentityRecord>
  readonly sessions: Overlay<Bytes>
  readonly retiredSessions: Overlay<readonly RetiredSession[]>
  readonly preKeys: Overlay<Bytes>
  readonly signedPreKeys: Overlay<TimedRecord>
  readonly kyberPreKeys: Overlay<KyberRecord>
  readonly senderKeys: Overlay<Bytes>
  readonly #kyberUses: Map<string, KyberUse>
  readonly #writes: Write[] = []
  readonly #below: WriteSet | VaultRecords

  constructor(below: WriteSet | VaultRecords) {
    const records = below instanceof WriteSet ? below : below.tables
    this.#below = below
    this.identities = new Overlay(records.identities)
    this.sessions = new Overlay(records.sessions)
    this.retiredSessions = new Overlay(records.retiredSessions)
    this.preKeys = new Overlay(records.preKeys)
    this.signedPreKeys = new Overlay(records.signedPreKeys)
    this.kyberPreKeys = new Overlay(records.kyberPreKeys)
    this.senderKeys = new Overlay(records.senderKeys)
    this.#kyberUses = new Map()
  }

  /** A set on top of this one: `sink` adds it, dropping it leaves this one as it was. */
  fork(): WriteSet {
    return new WriteSet(this)
  }

  sink(): void {
    const below = this.#below
    if (!(below instanceof WriteSet)) throw new Error('only a forked set sinks')
    for (const overlay of this.#overlays()) overlay.sink()
    for (const [key, use] of this.#kyberUses) below.#kyberUses.set(key, use)
    below.#writes.push(...this.#writes)
  }

  /** Adds a change of any other table; writes run in the order in which they were added. */
  write(change: Write): void {
    this.#writes.push(change)
  }

  /**
   * Records that a Kyber prekey met this base key. False when it did before: libsignal does not guard a
   * last-resort key against a replayed first message (libsignal.md 4.6).
   */
  useKyberPreKey(use: KyberUse): boolean {
    const key = `${use.keyId}.${use.signedKeyId}.${toHex(use.baseKey)}`
    if (this.#usedBefore(key, use)) return false
    this.#kyberUses.set(key, use)
    return true
  }

  #usedBefore(key: string, use: KyberUse): boolean {
    if (this.#kyberUses.has(key)) return true
    const below = this.#below
    return below instanceof WriteSet ? below.#usedBefore(key, use) : kyberUseKnown(below.vault.sql, use)
  }

  #overlays() {
    return [
      this.identities,
      this.sessions,
      this.retiredSessions,
      this.preKeys,
      this.signedPreKeys,
      this.kyberPreKeys,
      this.senderKeys,
    ] as const
  }

  /** One durable transaction for all of it; on failure nothing of it happened. */
  commit(): void {
    const below = this.#below
    if (below instanceof WriteSet) throw new Error('a forked set sinks, it does not commit')
    const { tables, vault } = below
    vault.transaction((tx) => {
      this.identities.write(tx, tables.identities.codec)
      this.sessions.write(tx, tables.sessions.codec)
      this.retiredSessions.write(tx, tables.retiredSessions.codec)
      this.preKeys.write(tx, tables.preKeys.codec)
      this.signedPreKeys.write(tx, tables.signedPreKeys.codec)
      this.kyberPreKeys.write(tx, tables.kyberPreKeys.codec)
      this.senderKeys.write(tx, tables.senderKeys.codec)
      for (const use of this.#kyberUses.values()) insertKyberUse(tx, use)
      for (const write of this.#writes) write(tx)
    })
    this.#settle(tables)
  }

  #settle(tables: RecordTables): void {
    tables.identities.settle(this.identities.changes)
    tables.sessions.settle(this.sessions.changes)
    tables.retiredSessions.settle(this.retiredSessions.changes)
    tables.preKeys.settle(this.preKeys.changes)
    tables.signedPreKeys.settle(this.signedPreKeys.changes)
    tables.kyberPreKeys.settle(this.kyberPreKeys.changes)
    tables.senderKeys.settle(this.senderKeys.changes)
  }
}

export interface KyberUse {
  readonly keyId: number
  readonly signedKeyId: number
  readonly baseKey: Bytes
}

/** The open vault with its cached protocol records: what write-sets are made on. */
export class VaultRecords {
  readonly vault: Vault
  readonly tables: RecordTables

  constructor(vault: Vault) {
    this.vault = vault
    this.tables = recordTables(vault.sql)
  }

  begin(): WriteSet {
    return new WriteSet(this)
  }
}

function kyberUseKnown(sql: Sql, use: KyberUse): boolean {
  return (
    sql.get(
      'SELECT 1 AS known FROM kyber_pre_key_use WHERE key_id = ? AND signed_key_id = ? AND base_key = ?',
      [use.keyId, use.signedKeyId, use.baseKey],
    ) !== null
  )
}

function insertKyberUse(tx: Tx, use: KyberUse): void {
  tx.run('INSERT INTO kyber_pre_key_use (key_id, signed_key_id, base_key) VALUES (?, ?, ?)', [
    use.keyId,
    use.signedKeyId,
    use.baseKey,
  ])
}
