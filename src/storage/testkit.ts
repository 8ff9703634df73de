import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Bytes } from '../base/bytes.ts'
import type { Sql, SqlValue } from './binding.ts'
import { createVault } from './open.ts'
import type { AccountRecord } from './repositories/account.ts'
import type { NewMessage } from './repositories/messages.ts'
import type { Tx, Vault } from './vault.ts'

/** For tests of this room: an encrypted vault in a folder of its own. */
export interface TestVault {
  readonly vault: Vault
  readonly sql: Sql
  write<T>(work: (tx: Tx) => T): T
  remove(): void
}

export function testVault(): TestVault {
  const folder = mkdtempSync(join(tmpdir(), 'valise-storage-'))
  const vault = createVault(join(folder, 'vault.db'), randomBytes(32))
  return {
    vault,
    sql: vault.sql,
    write: (work) => vault.transaction(work),
    remove() {
      vault.close()
      rmSync(folder, { recursive: true })
    },
  }
}

/** As blobs come out of the database. */
export function blob(...bytes: number[]): Bytes {
  return Buffer.from(bytes)
}

/** A message of the account that the conversation is with; its id is 16 times `n`. */
export function testMessage(conversationId: string, n: number, parts: Partial<NewMessage> = {}): NewMessage {
  return {
    conversationId,
    messageId: Buffer.alloc(16, n),
    authorId: conversationId,
    authorDevice: 1,
    own: false,
    kind: 'text',
    text: `message ${n}`,
    raw: null,
    sentAt: n,
    receivedAt: n,
    delivery: 'received',
    ...parts,
  }
}

/** The steps of a query's plan that read a whole table or sort rows; none where indexes alone answer it. */
export function slowSteps(sql: Sql, query: string, parameters: readonly SqlValue[]): string[] {
  return sql
    .all<{ detail: string }>(`EXPLAIN QUERY PLAN ${query}`, parameters)
    .map(({ detail }) => detail)
    .filter((detail) => /SCAN|TEMP B-TREE/.test(detail))
}

export const testAccountRecord: AccountRecord = {
  accountId: 'a',
  displayName: 'Anne',
  title: '',
  service: '',
  organisation: '',
  deviceId: 1,
  deviceName: 'Poste',
  registrationId: 7,
  relayAddress: 'https://relay.example',
  relayId: 'aa',
  tlsPin: null,
  tlsEndsAtProxy: false,
  trustRoot: 'bb',
  zkPublicParams: 'cc',
  invitationCode: '',
}
