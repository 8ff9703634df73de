import { CodedError } from '../../base/errors.ts'
import { fromHex, type Bytes } from '../../base/bytes.ts'
import { identityPublicKey } from '../../protocol/keys.ts'
import { readAccount, type Account, type AccountRecord } from '../../storage/repositories/account.ts'
import { anchorsHash } from '../../wire/anchors.ts'
import type { Sql } from '../../storage/binding.ts'

/** This account and device. The record never changes while the vault is open; the account's keys may. */
export class Self {
  readonly record: AccountRecord
  readonly #sql: Sql

  constructor(sql: Sql, record: AccountRecord) {
    this.#sql = sql
    this.record = record
  }

  get accountId(): string {
    return this.record.accountId
  }

  get deviceId(): number {
    return this.record.deviceId
  }

  /** As the vault has it now. */
  get account(): Account {
    const account = readAccount(this.#sql)
    if (account === null) throw new CodedError('vault.damaged', { reason: 'account' })
    return account
  }

  /** What an invitation pins, and a new device of the account compares. */
  anchors(): Bytes {
    return anchorsHash(stored(this.record.trustRoot), stored(this.record.zkPublicParams))
  }

  /** 33 bytes. */
  identityKey(): Bytes {
    return identityPublicKey(this.account.identityKeyPair)
  }
}

/** Bytes that the vault keeps as hex. Throws `vault.damaged`. */
export function stored(hex: string): Bytes {
  const bytes = fromHex(hex)
  if (bytes === null) throw new CodedError('vault.damaged', { reason: 'account' })
  return bytes
}
