import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { initRelay, startRelay } from '../index.ts'
import { databaseFile } from '../data/relayData.ts'
import { withStore } from '../data/withStore.ts'
import { engineOf } from '../engine.ts'
import {
  addDevice,
  bytes,
  enrol,
  envelope,
  envelopeFor,
  keySet,
  permit,
  putTo,
} from '../store/contractKit.ts'
import { openPostgresStore } from '../store/postgres/postgres.ts'
import { openDatabase } from '../store/sqliteOpen.ts'
import type { RelayStore } from '../store/store.ts'
import { administer, postgresServer, type PostgresServer } from '../testing/postgres.ts'
import { moveToPostgres, moveToSqlite } from './move.ts'
import { carried, derived } from './tables.ts'

let server: PostgresServer
let folder: string
let data: string

beforeAll(async () => {
  server = await postgresServer()
})
afterAll(async () => server.end())
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'valise-move-'))
  data = join(folder, 'relay')
  await initRelay({ data, organisation: 'X' })
})
afterEach(async () => rm(folder, { recursive: true, force: true }))

const byRoot = { by: { kind: 'operator', name: 'root' }, now: 5_000 } as const

const [linkHash, stepUpId] = [bytes(32), bytes(16)]

/** A second factor, a link that was not used, and a step-up that is asked for. */
async function giveFactor({ credentials }: RelayStore, accountId: string): Promise<void> {
  const used = bytes(32)
  await credentials.link({ accountId, linkHash: used, expiresAt: 9_000 }, byRoot)
  const added = { id: bytes(20), publicKey: bytes(77), counter: 3 }
  expect(await credentials.register(used, added, 5_000)).toBe('registered')
  await credentials.link({ accountId, linkHash, expiresAt: 9_000 }, byRoot)
  const request = { id: stepUpId, accountId, deviceId: 1, budget: 'directory', endsAt: 9_000 } as const
  expect(await credentials.askStepUp(request, 0, 5_000)).toEqual(stepUpId)
}

/** All that a store answers of two accounts, but for the numbers of envelopes. */
async function seen(
  store: RelayStore,
  accounts: readonly string[],
  devices: readonly number[],
): Promise<unknown> {
  const search = { words: ['ada'], after: null, except: accounts[1] ?? '', counted: true, limit: 9 }
  return {
    found: await store.accounts.search(search),
    people: await store.people.page(null, 100, null),
    devices: await Promise.all(accounts.map(async (each) => store.devices.find(each, 1))),
    lists: await Promise.all(accounts.map(async (each) => store.devices.list(each))),
    queues: await Promise.all(
      devices.map(async (device) =>
        (await store.queues.page(device, 0, 100, 1e6)).map(({ id: _id, messageId, body, ...rest }) => ({
          ...rest,
          messageId: Buffer.from(messageId).toString('hex'),
          body: Buffer.from(body).toString(),
        })),
      ),
    ),
    counts: await Promise.all(devices.map(async (device) => store.keys.count(device))),
    changes: await store.changes.newest(),
    acts: await store.acts.rows(0, 100),
    state: await store.acts.state(),
    domains: await store.people.domains(),
    factors: await Promise.all(accounts.map(async (each) => store.credentials.list(each))),
    link: await store.credentials.linked(linkHash, 5_000),
    stepUp: await store.credentials.askedStepUp(stepUpId, 5_000),
  }
}

test('there and back, everything is as before; what comes next has higher numbers', async () => {
  const spent = permit()
  const filled = await withStore(data, async (store) => {
    const ada = await enrol(store, 'Ada Œuvrard', keySet(7))
    const bob = await enrol(store, 'Bob')
    const second = await addDevice(store, ada, 2)
    await store.devices.remove(bob.accountId, 1)
    await giveFactor(store, ada.accountId)
    await store.people.apply([{ kind: 'domain', domain: 'a.example', allowed: true }], byRoot)
    const puts = ['a', 'b', 'c'].map((body) => putTo(ada, [envelope(1, body), envelope(2, body)]))
    const paid = putTo(ada, [envelope(1), envelope(2)], { kind: 'permit', permit: spent })
    await store.queues.commit({ puts: [...puts, paid], deletes: [], now: 9_000 })
    const [first] = await store.queues.page(ada.device, 0, 1, 1e6)
    await store.queues.commit({ puts: [], deletes: [{ device: ada.device, id: first?.id ?? 0 }], now: 1 })
    return { ada, bob, second, acknowledged: first?.id ?? 0 }
  })
  const { ada, bob, second } = filled
  const look = async (): Promise<unknown> =>
    withStore(data, async (store) => seen(store, [ada.accountId, bob.accountId], [ada.device, second]))
  const next = async (): Promise<void> =>
    withStore(data, async (store) => {
      const newest = await store.queues.newest(ada.device)
      const again = putTo(ada, [envelope(1), envelope(2)], { kind: 'permit', permit: spent })
      const puts = [putTo(ada, [envelope(1, 'next'), envelope(2, 'next')]), again]
      const [one, two] = await store.queues.commit({ puts, deletes: [], now: 1 })
      expect(one?.kind === 'stored' && one.added.every((each) => each.id > newest)).toBe(true)
      expect(one?.kind === 'stored' && one.added.every((each) => each.receivedAt >= 9_000)).toBe(true)
      expect(two).toEqual({ kind: 'permitSpent' })
      const old = {
        kind: 'connect',
        device: ada.device,
        token: new Uint8Array(0),
        holder: bytes(16),
      } as const
      const vault = { ...old, next: bytes(16), takenUpTo: filled.acknowledged - 1, now: 1 }
      expect(await store.generations.commit([vault])).toMatchObject([{ verdict: 'foreign' }])
      const carol = await enrol(store, 'Carol')
      expect(carol.device).toBeGreaterThan(Math.max(ada.device, second, bob.device))
    })

  const acted = async (): Promise<readonly string[]> =>
    withStore(data, async ({ acts }) => (await acts.rows(0, 100)).map(({ type }) => type))
  const withoutActs = async (): Promise<unknown> => ({
    ...((await look()) as object),
    acts: null,
    state: null,
  })
  const before = await withoutActs()
  expect(before).toMatchObject({
    factors: [[{ counter: 3 }], []],
    link: ada.accountId,
    stepUp: { id: stepUpId },
  })
  const url = await server.database()
  const counts = await moveToPostgres(data, url)
  expect(counts.get('queue')).toBe(7)
  expect(await withoutActs()).toEqual(before)
  expect((await acted()).at(-1)).toBe('store.moved')
  expect(() => openDatabase(join(data, 'relay.db.before-move'))).toThrow('relay.dataMoved')
  await next()
  const between = await withoutActs()
  await writeFile(join(data, 'relay.db'), '')
  await expect(moveToSqlite(data)).rejects.toMatchObject({ code: 'relay.dataExists' })
  await rm(join(data, 'relay.db'))
  await moveToSqlite(data)
  expect(await engineOf(data)).toEqual({ kind: 'sqlite' })
  expect(await withoutActs()).toEqual(between)
  expect((await acted()).filter((type) => type === 'store.moved')).toHaveLength(2)
  await expect(openPostgresStore({ url })).rejects.toMatchObject({ code: 'relay.dataMoved' })
  await next()
})

test('a command that was at it when the database was left cannot write into it', async () => {
  const act = { type: 'domain.allowed' } as const
  const url = await server.database()
  await withStore(data, async ({ acts }) => {
    await moveToPostgres(data, url)
    await expect(acts.append(act, byRoot)).rejects.toMatchObject({ code: 'relay.unavailable' })
  })
  await withStore(data, async ({ acts }) => {
    await moveToSqlite(data)
    await expect(acts.append(act, byRoot)).rejects.toMatchObject({ code: 'relay.unavailable' })
  })
  const types = await withStore(data, async ({ acts }) => (await acts.rows(0, 9)).map(({ type }) => type))
  expect(types).toEqual(['store.moved', 'store.moved'])
})

test('nothing is moved while a relay runs, nor into a database that is used', async () => {
  const [used, url] = [await server.database(), await server.database()]
  const relay = await startRelay({ data })
  await expect(moveToPostgres(data, url)).rejects.toMatchObject({ code: 'relay.dataInUse' })
  await relay.stop()
  const other = join(folder, 'other')
  await initRelay({ data: other, organisation: 'Y', postgresUrl: used })
  await withStore(other, async (store) => enrol(store, 'Eve'))
  await expect(moveToPostgres(data, used)).rejects.toMatchObject({ code: 'relay.databaseUsed' })
  expect(await engineOf(data)).toEqual({ kind: 'sqlite' })
  const running = await startRelay({ data: other })
  await expect(moveToSqlite(other)).rejects.toMatchObject({ code: 'relay.dataInUse' })
  await running.stop()
  expect((await moveToSqlite(other)).get('accounts')).toBe(1)
})

test('every table of either engine is carried or made anew', async () => {
  const url = await server.database()
  await initRelay({ data: join(folder, 'pg'), organisation: 'Z', postgresUrl: url })
  await withStore(join(folder, 'pg'), async (store) => envelopeFor(await enrol(store, 'Ada'), 'a'))
  await withStore(data, async () => undefined)
  const rows = await administer(
    url,
    `SELECT relname AS name FROM pg_class WHERE relnamespace = 'valise'::regnamespace AND relkind IN ('r', 'p')
     AND NOT relispartition`,
  )
  const names = (tables: readonly string[]): string[] => [...carried, ...tables].toSorted()
  expect(rows.map(({ name }) => String(name)).toSorted()).toEqual(names(derived.postgres))
  const db = openDatabase(databaseFile(data))
  const tables = db
    .prepare<[], { name: string }>(
      `SELECT name FROM pragma_table_list WHERE schema = 'main' AND type IN ('table', 'virtual')
       AND name NOT LIKE 'sqlite%'`,
    )
    .all()
  db.close()
  expect(tables.map(({ name }) => name).toSorted()).toEqual(names(derived.sqlite))
})
