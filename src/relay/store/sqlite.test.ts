import { randomBytes, randomUUID } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { describe, expect, test } from 'vitest'
import { storeContract, type ContractEngine } from './contract.ts'
import { bytes, enrol, envelopeFor, keySet, newDevice, uuid } from './contractKit.ts'
import { foundation } from './migrations/0001-foundation.ts'
import { openSqliteStore } from './sqlite.ts'
import { openDatabase, type SqliteDatabase } from './sqliteOpen.ts'

async function sqliteEngine(): Promise<ContractEngine & { readonly file: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'valise-store-'))
  const file = join(folder, 'relay.db')
  return {
    file,
    open: async () => openSqliteStore(file),
    reopen: async (queueBytes) => openSqliteStore(file, queueBytes === undefined ? {} : { queueBytes }),
    end: async () => rm(folder, { recursive: true, force: true }),
  }
}

describe('the embedded engine', () => {
  storeContract(sqliteEngine)

  test('commits with an fsync into a WAL, and knows its own file', async () => {
    const { file, end } = await sqliteEngine()
    const db = openDatabase(file)
    const setting = (name: string): unknown => db.pragma(name, { simple: true })
    expect(
      ['journal_mode', 'synchronous', 'foreign_keys', 'cache_size', 'wal_autocheckpoint'].map(setting),
    ).toEqual(['wal', 2, 1, -65536, 4000])
    db.pragma('user_version = 99')
    db.close()
    expect(() => openDatabase(file)).toThrow('relay.dataNewer')
    await end()
  })

  test('a large directory is paged in the order of its names and counted once, quickly', async () => {
    const engine = await sqliteEngine()
    const total = 20_000
    // As after an update of a relay that had no such index.
    const db = oldDatabase(engine.file)
    fillDirectory(db, total)
    const search = { after: null, except: randomUUID(), counted: true, limit: 50 }
    db.close()
    const store = openSqliteStore(engine.file)
    const { accounts } = store
    const many = await accounts.search({ ...search, words: ['agent', 'a'], limit: total })
    expect([many.total, many.entries.length, many.more]).toEqual([total, total, false])
    const sorted = many.entries.map((entry) => entry.displayName)
    expect(sorted).toEqual(sorted.toSorted())
    const walked = await accounts.search({
      ...search,
      words: ['agent'],
      after: many.entries[99]?.accountId ?? null,
    })
    expect(walked.entries).toEqual(many.entries.slice(100, 150))
    const few = await accounts.search({ ...search, words: ['agent', '1999'] })
    expect(few.entries.map((entry) => entry.displayName)).toEqual(sorted.filter((name) => / 1999/.test(name)))
    // The quickest of many: the machine may stand still during the others.
    let quickest = Infinity
    for (let n = 0; n < 50; n += 1) {
      const started = performance.now()
      await accounts.search({ ...search, words: ['a', 'x'] })
      quickest = Math.min(quickest, performance.now() - started)
    }
    expect(quickest).toBeLessThan(5)
    await store.close()
    await engine.end()
  })

  test('a device of an older relay has no keys until it adopts the identity key anew', async () => {
    const engine = await sqliteEngine()
    const db = oldDatabase(engine.file)
    fillDirectory(db, 1)
    const accountId = randomUUID()
    const identityKey = bytes(33)
    db.prepare('UPDATE accounts SET account_id = ?, identity_key = ?').run(uuid(accountId), identityKey)
    db.prepare('INSERT INTO devices VALUES (7, 1, 1, 42, ?, 1)').run(bytes(32))
    db.prepare('INSERT INTO device_keys VALUES (7, 1, ?, ?, 1, ?, ?)').run(
      bytes(33),
      bytes(64),
      bytes(9),
      bytes(64),
    )
    db.close()
    const store = openSqliteStore(engine.file)
    expect(await store.devices.find(accountId, 1)).toMatchObject({ device: 7, adopted: false, frozen: false })
    expect((await store.devices.list(accountId))?.devices[0]?.attestation).toEqual(new Uint8Array(64))
    const attestation = bytes(64)
    await store.identities.adopt({ device: 7, identityKey, attestation, keys: keySet(1) })
    expect(await store.devices.find(accountId, 1)).toMatchObject({ adopted: true })
    await store.devices.add(newDevice({ accountId, identityKey, device: 7 }, 2))
    expect(await store.devices.find(accountId, 2)).toMatchObject({ device: 8 })
    await store.close()
    await engine.end()
  })

  test('a full disk refuses the whole group, then deletes make room again', async () => {
    const engine = await sqliteEngine()
    const store = openSqliteStore(engine.file, { maxBytes: 512 * 1024 })
    const ada = await enrol(store, 'Ada')
    const page = (n: number): ReturnType<typeof envelopeFor> => envelopeFor(ada, `${n} `.repeat(2_000))
    let stored = 0
    const fill = async (): Promise<void> => {
      for (; stored < 10_000; stored += 1)
        await store.queues.commit({ puts: [page(stored)], deletes: [], now: 1 })
    }
    await expect(fill()).rejects.toMatchObject({ code: 'relay.unavailable', cause: { code: 'SQLITE_FULL' } })
    const waiting = await store.queues.page(ada.device, 0, 10_000, 1e9)
    expect(waiting).toHaveLength(stored)
    const deletes = waiting.slice(0, 20).map(({ id }) => ({ device: ada.device, id }))
    await store.queues.commit({ puts: [], deletes, now: 1 })
    expect(await store.queues.commit({ puts: [page(1)], deletes: [], now: 1 })).toMatchObject([
      { kind: 'stored' },
    ])
    await store.close()
    await engine.end()
  })

  test('a removed account leaves nothing in any file, beside a store that is open', async () => {
    const engine = await sqliteEngine()
    const relay = openSqliteStore(engine.file)
    for (let n = 0; n < 50; n += 1) await enrol(relay, `Agent ${n}`)
    const ada = await enrol(relay, 'Zygomorphe')
    const files = async (): Promise<string> =>
      (await Promise.all(['', '-wal'].map(async (end) => readFile(engine.file + end, 'latin1')))).join('')
    expect((await files()).toLowerCase()).toContain('zygomorphe')
    const command = openSqliteStore(engine.file)
    const context = { by: { kind: 'operator', name: 'root' }, now: 1 } as const
    await command.people.apply([{ kind: 'remove', accountId: ada.accountId }], context)
    await command.people.forget()
    expect((await files()).toLowerCase()).not.toContain('zygomorphe')
    await command.close()
    await relay.close()
    await engine.end()
  })

  test('an envelope leaves nothing in the file once it is deleted and checkpointed', async () => {
    const engine = await sqliteEngine()
    const store = openSqliteStore(engine.file)
    const ada = await enrol(store, 'Ada')
    await store.queues.commit({ puts: [envelopeFor(ada, 'MARKED'.repeat(3_000))], deletes: [], now: 1 })
    const id = await store.queues.newest(ada.device)
    await store.queues.commit({ puts: [], deletes: [{ device: ada.device, id }], now: 1 })
    await store.close()
    const db = new Database(engine.file, { readonly: true })
    const image = db.serialize().toString('latin1')
    db.close()
    expect(image).not.toContain('MARKED')
    await engine.end()
  })
})

function oldDatabase(file: string): SqliteDatabase {
  const db = new Database(file)
  db.exec(foundation.sql)
  db.pragma(`user_version = ${foundation.version}`)
  return db
}

/** Enrolled accounts without devices, in one transaction. */
function fillDirectory(db: SqliteDatabase, count: number): void {
  const insert = db.prepare(
    `INSERT INTO accounts (account_id, display_name, title, service, organisation, sort_key, search_text, enrolled_at)
     VALUES (?, ?, '', '', '', ?, ?, 1)`,
  )
  db.transaction(() => {
    for (let n = 0; n < count; n += 1) {
      const name = `agent ${String(n).padStart(5, '0')} ${n}`
      insert.run(randomBytes(16), name, name, ` ${name}`)
    }
  })()
}
