import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { describe, expect, test } from 'vitest'
import { enrol, envelopeFor, storeContract, type ContractEngine } from './contract.ts'
import { openSqliteStore } from './sqlite.ts'
import { openDatabase } from './sqliteOpen.ts'

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
