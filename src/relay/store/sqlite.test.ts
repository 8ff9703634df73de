import { randomBytes, randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { describe, expect, test } from 'vitest'
import { enrol, envelopeFor, storeContract, type ContractEngine } from './contract.ts'
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
    expect(() => openDatabase(file)).toThrow('relay.dataDamaged')
    await end()
  })

  test('a large directory is paged in the order of its names and counted once, quickly', async () => {
    const engine = await sqliteEngine()
    const total = 20_000
    const db = openDatabase(engine.file)
    fillDirectory(db, total)
    const search = { after: null, except: randomUUID(), counted: true, limit: 50 }
    // As after an update of a relay that had no such index.
    db.exec('DROP TABLE directory; PRAGMA user_version = 1')
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
    const started = performance.now()
    for (let n = 0; n < 20; n += 1) await accounts.search({ ...search, words: ['a', 'x'] })
    expect((performance.now() - started) / 20).toBeLessThan(5)
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
