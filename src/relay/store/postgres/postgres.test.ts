import { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { administer, postgresServer, type PostgresServer } from '../../testing/postgres.ts'
import { storeContract, type ContractEngine } from '../contract.ts'
import {
  addDevice,
  enrol,
  envelope,
  envelopeFor,
  keySet,
  newDevice,
  permit,
  putTo,
  textOf,
} from '../contractKit.ts'
import type { PutOutcome, RelayStore } from '../store.ts'
import { postgresMigrations } from './migrations/index.ts'
import { openPostgresStore } from './postgres.ts'

let server: PostgresServer

beforeAll(async () => {
  server = await postgresServer()
})

afterAll(async () => server.end())

async function postgresEngine(): Promise<ContractEngine> {
  const url = await server.database()
  return {
    open: async () => openPostgresStore({ url }),
    reopen: async (queueBytes) =>
      openPostgresStore({ url, ...(queueBytes === undefined ? {} : { queueBytes }) }),
    end: async () => undefined,
  }
}

describe('the engine on PostgreSQL', () => {
  storeContract(postgresEngine)
})

describe('several processes on one PostgreSQL', () => {
  async function opened(count: number): Promise<{ url: string; stores: RelayStore[] }> {
    const url = await server.database()
    // At once: only one of them makes the tables.
    return {
      url,
      stores: await Promise.all(Array.from({ length: count }, async () => openPostgresStore({ url }))),
    }
  }

  const close = async (stores: readonly RelayStore[]): Promise<void> => {
    await Promise.all(stores.map(async (store) => store.close()))
  }

  test('who has read up to an id never finds a lower one later, and what waits is counted rightly', async () => {
    const { url, stores } = await opened(3)
    const [one, two, three] = stores
    if (one === undefined || two === undefined || three === undefined) throw new Error('no stores')
    const first = await enrol(one, 'Ada')
    const people = [first, await enrol(one, 'Bob'), await enrol(one, 'Cy')]
    const stored: string[] = []
    let putting = 2
    const writer = async (store: RelayStore, name: string): Promise<void> => {
      for (let round = 0; round < 60; round += 1) {
        const puts = Array.from({ length: 6 }, (_, n) => {
          const body = `${name} ${round} ${n}`
          return { body, put: envelopeFor(people[(n + round) % 3] ?? first, body) }
        })
        const outcomes = await store.queues.commit({ puts: puts.map(({ put }) => put), deletes: [], now: 1 })
        for (const [n, outcome] of outcomes.entries()) {
          if (outcome.kind === 'stored') stored.push(puts[n]?.body ?? '')
        }
      }
      putting -= 1
    }
    const seen: string[] = []
    const reader = async (device: number): Promise<void> => {
      let last = 0
      for (;;) {
        const finished = putting === 0
        const page = await three.queues.page(device, last, 50, 1e6)
        expect(page.every(({ id }, n) => id > (page[n - 1]?.id ?? last))).toBe(true)
        seen.push(...page.map(({ body }) => textOf(body)))
        last = page.at(-1)?.id ?? last
        const deletes = page.slice(1).map(({ id }) => ({ device, id }))
        if (deletes.length > 0) await three.queues.commit({ puts: [], deletes, now: 1 })
        if (finished && page.length === 0) return
      }
    }
    await Promise.all([
      writer(one, 'one'),
      writer(two, 'two'),
      ...people.map(async ({ device }) => reader(device)),
    ])
    expect(stored).toHaveLength(2 * 60 * 6)
    expect(seen.toSorted()).toEqual(stored.toSorted())
    const wrong = await administer(
      url,
      `SELECT device FROM valise.mailboxes m WHERE (envelopes, bytes) IS DISTINCT FROM
       ((SELECT count(*) FROM valise.queue q WHERE q.device = m.device),
        (SELECT coalesce(sum(length(body)), 0) FROM valise.queue q WHERE q.device = m.device))`,
    )
    expect(wrong).toEqual([])
    await close(stores)
  })

  test('while devices come and go, each put is judged by those there are and nothing of a removed one stays', async () => {
    const { url, stores } = await opened(2)
    const [one, two] = stores
    if (one === undefined || two === undefined) throw new Error('no stores')
    const ada = await enrol(one, 'Ada')
    await addDevice(one, ada, 2)
    let turning = true
    const turn = async (): Promise<void> => {
      for (let n = 0; n < 30; n += 1) {
        await two.devices.remove(ada.accountId, 2)
        await two.devices.add(newDevice(ada, 2))
      }
      turning = false
    }
    const kinds = new Set<string>()
    const put = async (): Promise<void> => {
      while (turning) {
        const puts = [
          putTo(ada, [envelope(1), envelope(2)]),
          { ...putTo(ada, [envelope(2)]), someDevices: true },
        ]
        for (const { kind } of await one.queues.commit({ puts, deletes: [], now: 1 })) kinds.add(kind)
      }
    }
    await Promise.all([turn(), put()])
    expect(kinds).toContain('stored')
    expect([...kinds].filter((kind) => kind !== 'stored' && kind !== 'mismatch')).toEqual([])
    const orphans = await administer(
      url,
      'SELECT 1 FROM valise.queue WHERE device NOT IN (SELECT id FROM valise.devices)',
    )
    expect(orphans).toEqual([])
    await close(stores)
  })

  test('one permit, two processes: one put; one one-time key, two processes: one bundle', async () => {
    const { stores } = await opened(2)
    const [one] = stores
    if (one === undefined) throw new Error('no stores')
    const ada = await enrol(one, 'Ada', keySet(20))
    const bob = await enrol(one, 'Bob')
    for (let round = 0; round < 10; round += 1) {
      const by = { kind: 'permit', permit: permit() } as const
      const outcomes = await Promise.all(
        stores.map(async (store, n): Promise<PutOutcome | undefined> => {
          const put = putTo(n === 0 ? ada : bob, [envelope(1)], by)
          return (await store.queues.commit({ puts: [put], deletes: [], now: 1 }))[0]
        }),
      )
      expect(outcomes.map((outcome) => outcome?.kind).toSorted()).toEqual(['permitSpent', 'stored'])
    }
    const by = { kind: 'accessKey', hash: ada.accessKeyHash } as const
    const taken = await Promise.all(
      Array.from({ length: 20 }, async (_, n) =>
        (stores[n % 2] ?? one).keys.takeBundle(ada.accountId, by, 1),
      ),
    )
    const ids = taken.map((each) => each.kind === 'taken' && each.bundle.devices[0]?.preKey?.keyId)
    expect(new Set(ids).size).toBe(20)
    await close(stores)
  })
})

describe('what may befall a PostgreSQL', () => {
  test('tables of a newer relay and a database that is not UTF-8 are left alone', async () => {
    const url = await server.database()
    await (await openPostgresStore({ url })).close()
    const newest = postgresMigrations.length
    await administer(url, `UPDATE valise.schema_version SET version = ${newest + 1}`)
    await expect(openPostgresStore({ url })).rejects.toMatchObject({ code: 'relay.dataNewer' })
    await administer(url, `CREATE DATABASE latin ENCODING 'SQL_ASCII' LOCALE 'C' TEMPLATE template0`)
    const latin = url.replace(/relay_\d+/, 'latin')
    await expect(openPostgresStore({ url: latin })).rejects.toMatchObject({
      code: 'relay.databaseUnsuitable',
    })
    expect(await administer(latin, `SELECT 1 FROM pg_namespace WHERE nspname = 'valise'`)).toEqual([])
  })

  test('away, killed, read-only or slow, it changes nothing and says so; then it works again by itself', async () => {
    const url = await server.database()
    const [store, hasty] = [
      await openPostgresStore({ url }),
      await openPostgresStore({ url, statementMs: 3_000 }),
    ]
    const ada = await enrol(store, 'Ada')
    const stored: string[] = []
    const put = async (body: string): Promise<PutOutcome | undefined> => {
      const puts = [envelopeFor(ada, body)]
      const [outcome] = await store.queues.commit({ puts, deletes: [], now: 1 })
      stored.push(body)
      return outcome
    }
    const refused = async (why: string, by = store): Promise<void> => {
      const unavailable = { code: 'relay.unavailable' }
      const puts = [envelopeFor(ada, why)]
      await Promise.all([
        expect(by.queues.commit({ puts, deletes: [], now: 1 })).rejects.toMatchObject(unavailable),
        expect(by.devices.add(newDevice(ada, 2))).rejects.toMatchObject(unavailable),
      ])
    }
    const works = async (body: string): Promise<void> => {
      expect(await put(body)).toMatchObject({ kind: 'stored' })
      const page = await store.queues.page(ada.device, 0, 100, 1e6)
      expect(page.map((one) => textOf(one.body))).toEqual(stored)
    }
    await works('before')

    await server.stop('SIGKILL')
    await refused('killed')
    await expect(openPostgresStore({ url })).rejects.toMatchObject({ code: 'relay.unavailable' })
    await server.start()
    await works('started again')

    const readOnly = async (setting: string): Promise<void> => {
      const name = new URL(url).pathname.slice(1)
      await administer(
        url.replace(name, 'postgres'),
        `ALTER DATABASE ${name} ${setting};
         SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${name}'`,
      )
    }
    await readOnly('SET default_transaction_read_only = on')
    await refused('read-only')
    await readOnly('RESET default_transaction_read_only')
    await works('writable again')

    const holder = new Client({ connectionString: url })
    await holder.connect()
    await holder.query('BEGIN; SELECT id FROM valise.accounts FOR UPDATE')
    await refused('slow', hasty)
    await holder.query('COMMIT')
    await holder.end()
    await works('quick again')
    const newest = await store.queues.newest(ada.device)
    await expect.poll(async () => hasty.queues.newest(ada.device).catch(() => null)).toBe(newest)
    expect((await store.devices.list(ada.accountId))?.devices).toHaveLength(1)
    await Promise.all([store.close(), hasty.close()])
  })
})
