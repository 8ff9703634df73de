import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { CodedError } from '../../base/errors.ts'
import { connect, type Connection } from '../binding.ts'
import { firstSchema } from './0001-first-schema.ts'
import { migrate, schemaVersion, type Migration } from './index.ts'

let folder: string
let connection: Connection
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'valise-migrations-'))
  connection = connect(join(folder, 'vault.db'))
})
afterEach(() => {
  connection.close()
  rmSync(folder, { recursive: true })
})

function codeOfMigration(scripts?: readonly Migration[]): string | null {
  try {
    migrate(connection, scripts)
    return null
  } catch (error) {
    return error instanceof CodedError ? error.code : String(error)
  }
}

function schemaOf(of: Connection): unknown[] {
  return of.all('SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY type, name')
}

function schemaAfter(scripts?: readonly Migration[]): unknown[] {
  const fresh = connect(join(folder, 'fresh.db'))
  migrate(fresh, scripts)
  const schema = schemaOf(fresh)
  fresh.close()
  rmSync(join(folder, 'fresh.db'))
  return schema
}

it('tells a full disk wherever it meets it, changes nothing then, and goes on when there is room', () => {
  const schemas = [[], schemaAfter([firstSchema])]
  const seen = new Set<number>()
  for (let room = 1; ; room += 1) {
    connection.pragma(`max_page_count = ${room}`)
    const code = codeOfMigration()
    if (code === null) break
    expect([room, code]).toEqual([room, 'vault.diskFull'])
    const version = Number(connection.pragma('user_version'))
    expect(schemaOf(connection)).toEqual(schemas[version])
    seen.add(version)
  }
  expect([...seen]).toEqual([0, 1])
  expect(connection.pragma('user_version')).toBe(schemaVersion)
})

it('tells a full disk also where SQLite has rolled back by itself, and keeps the steps before', () => {
  const scripts = ['CREATE TABLE kept (value)', 'INSERT INTO kept VALUES (zeroblob(100000))']
  connection.pragma('max_page_count = 10')
  expect(codeOfMigration(scripts)).toBe('vault.diskFull')
  expect(connection.pragma('user_version')).toBe(1)
  connection.pragma('max_page_count = 100')
  expect(codeOfMigration(scripts)).toBeNull()
  expect(connection.get('SELECT count(*) AS n FROM kept')).toEqual({ n: 1 })
})

describe('an upgrade of a vault with rows', () => {
  beforeEach(() => {
    migrate(connection, [firstSchema])
    connection.exec(rowsOfFirst)
    migrate(connection)
  })

  it('ends with the schema of a new vault, whole', () => {
    expect(schemaOf(connection)).toEqual(schemaAfter())
    expect(connection.pragma('integrity_check')).toBe('ok')
    expect(connection.all('PRAGMA foreign_key_check')).toEqual([])
  })

  it('keeps the account and gives it a profile key of its own', () => {
    const { profile_key: profileKey, ...rest } = connection.get('SELECT * FROM account') ?? {}
    expect(profileKey).toHaveLength(32)
    expect(profileKey).not.toEqual(Buffer.alloc(32))
    expect(rest).toEqual({
      id: 1,
      status: 'enrolled',
      record: '{}',
      identity_key_pair: Buffer.from([1]),
      device_key: Buffer.from([2]),
      pending_upload: 'up',
      pending_link: null,
      sender_certificate: Buffer.from([3]),
      certificate_expires_at: 9,
      generation: null,
      devices_revision: 0,
      taken_up_to: 0,
    })
  })

  it('accepts every conversation and keeps what was read and what was not', () => {
    expect(
      connection.all(
        'SELECT conversation_id, active_at, draft, accepted, blocked, timer_seconds FROM conversation ORDER BY 1',
      ),
    ).toEqual([
      { conversation_id: 'a', active_at: 5, draft: 'd', accepted: 1, blocked: 0, timer_seconds: 0 },
      { conversation_id: 'b', active_at: 6, draft: '', accepted: 1, blocked: 0, timer_seconds: 0 },
    ])
    const rows = connection.all('SELECT position, text, body, read_at, expires_at FROM message ORDER BY 1')
    const common = { body: null, expires_at: null }
    expect(rows).toEqual([
      { position: 1, text: 'read', read_at: 11, ...common },
      { position: 2, text: 'own', read_at: null, ...common },
      { position: 3, text: 'unread', read_at: null, ...common },
      { position: 4, text: 'elsewhere', read_at: null, ...common },
    ])
  })

  it('keeps jobs, quarantine, dedupe keys and the journal', () => {
    expect(
      connection.get('SELECT lane, only_device, expires_at, lease_holder, lease_until FROM outbox'),
    ).toEqual({
      lane: 'a',
      only_device: null,
      expires_at: null,
      lease_holder: null,
      lease_until: 0,
    })
    expect(connection.get('SELECT reason, device_id, queue_id FROM quarantine')).toEqual({
      reason: 'identity.changed',
      device_id: null,
      queue_id: null,
    })
    for (const table of ['received', 'received_envelope', 'journal', 'outbox_ciphertext'])
      expect(connection.get(`SELECT count(*) AS n FROM ${table}`), table).toEqual({ n: 1 })
  })
})

const rowsOfFirst = `
INSERT INTO account VALUES (1, 'enrolled', '{}', x'01', x'02', 'up', x'03', 9);
INSERT INTO conversation VALUES ('a', 5, 'd', 2), ('b', 6, '', 0);
INSERT INTO message (conversation_id, message_id, author_id, author_device, own, kind, text, sent_at, received_at, delivery)
VALUES ('a', x'01', 'a', 1, 0, 'text', 'read', 10, 11, 'received'),
  ('a', x'02', 'me', 1, 1, 'text', 'own', 10, 11, 'sent'),
  ('a', x'03', 'a', 1, 0, 'text', 'unread', 10, 11, 'received'),
  ('b', x'04', 'b', 1, 0, 'text', 'elsewhere', 10, 11, 'received');
INSERT INTO outbox (lane, destination, kind, message_position, content, created_at) VALUES ('a', 'a', 'message', 2, x'05', 1);
INSERT INTO outbox_ciphertext VALUES (129, 1, x'06', 2, x'07');
INSERT INTO quarantine (envelope_id, body, received_at, reason, account_id) VALUES (x'08', x'09', 1, 'identity.changed', 'a');
INSERT INTO received VALUES ('a', 1, x'01', 1);
INSERT INTO received_envelope VALUES (x'0a', 1);
INSERT INTO journal VALUES (1, 1, 1, 't', 'a', x'0b', x'0c', NULL, NULL);
`
