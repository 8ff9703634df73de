import { randomUUID } from 'node:crypto'
import { expect, test } from 'vitest'
import type { NewAlert } from './alertStore.ts'
import type { BudgetAmount } from './budgetStore.ts'
import type { Restart } from './contract.ts'
import { enrol } from './contractKit.ts'
import type { ActContext } from './peopleStore.ts'
import type { RelayStore } from './store.ts'

/** What accounts use, and what administrators are told of. */
export function budgetContract(store: () => RelayStore, restart: Restart): void {
  const amount = (accountId: string, deviceId: number, slot: number, used: number): BudgetAmount => ({
    accountId,
    budget: 'directory',
    deviceId,
    slot,
    used,
  })
  const counts = async (accountId: string, since = 0): Promise<unknown> =>
    (await store().budgets.read(accountId, 'directory', since, 1_000)).counts

  const by: ActContext = { by: { kind: 'operator', name: 'anne' }, now: 1_000 }
  const journal = async (): Promise<unknown[]> =>
    (await store().acts.rows(0, 99)).map(({ payload }) => JSON.parse(String(payload)) as unknown)

  test('what is used adds up by device and slot, over restarts; other accounts and budgets are apart', async () => {
    const [ada, bob] = [(await enrol(store(), 'Ada')).accountId, (await enrol(store(), 'Bob')).accountId]
    await store().budgets.add([amount(ada, 1, 7, 5), amount(ada, 2, 7, 1), amount(randomUUID(), 1, 7, 9)])
    await restart()
    await store().budgets.add([amount(ada, 1, 7, 3), amount(ada, 1, 8, -1), amount(bob, 1, 7, 4)])
    expect(await counts(ada)).toEqual([
      { deviceId: 1, slot: 7, used: 8 },
      { deviceId: 1, slot: 8, used: -1 },
      { deviceId: 2, slot: 7, used: 1 },
    ])
    expect(await counts(ada, 8)).toEqual([{ deviceId: 1, slot: 8, used: -1 }])
    expect(await counts(bob)).toEqual([{ deviceId: 1, slot: 7, used: 4 }])
    expect((await store().budgets.read(ada, 'links', 0, 1_000)).counts).toEqual([])
    expect(await counts(randomUUID())).toEqual([])
    await store().budgets.forget('directory', 8, 1_000)
    expect([await counts(ada), await counts(bob)]).toEqual([[{ deviceId: 1, slot: 8, used: -1 }], []])
  })

  test('of what many take at once no more is added than the limits of the account and the device', async () => {
    const [{ accountId }, bob] = [await enrol(store(), 'Ada'), await enrol(store(), 'Bob')]
    await store().budgets.add([amount(accountId, 1, 6, 99), amount(bob.accountId, 1, 7, 99)])
    const take = async (deviceId: number, slot: number, device: number | null): Promise<boolean> =>
      store().budgets.take(amount(accountId, deviceId, slot, 2), 7, { account: 21, device })
    const many = async (deviceId: number, device: number | null): Promise<number> =>
      (
        await Promise.all(Array.from({ length: 20 }, async (_, n) => take(deviceId, 7 + (n % 3), device)))
      ).filter((taken) => taken).length
    expect(await many(1, 9)).toBe(4)
    expect(await many(2, null)).toBe(6)
    expect(await many(3, 9)).toBe(0)
    const taken = (await store().budgets.read(accountId, 'directory', 7, 1_000)).counts
    expect(taken.reduce((sum, { used }) => sum + used, 0)).toBe(20)
    const gone = amount(randomUUID(), 1, 7, 2)
    expect(await store().budgets.take(gone, 7, { account: 21, device: null })).toBe(true)
  })

  test('an administrator sets an allowance until a time, and resets what was used', async () => {
    const { accountId } = await enrol(store(), 'Ada')
    const set = async (now: number): Promise<unknown> =>
      (await store().budgets.read(accountId, 'directory', 0, now)).set
    const setting = { budget: 'directory', allowance: { soft: 5, hard: 9 }, until: 2_000 } as const
    expect(await store().budgets.allow({ ...setting, accountId: randomUUID() }, 'r', by)).toBe(false)
    expect(await store().budgets.reset(randomUUID(), 'directory', 'r', by)).toBe(false)
    expect(await store().budgets.allow({ ...setting, accountId }, 'mission', by)).toBe(true)
    expect([await set(1_999), await set(2_000)]).toEqual([{ soft: 5, hard: 9 }, null])
    await store().budgets.allow({ ...setting, accountId, allowance: { soft: 6, hard: 6 } }, 'r', by)
    await restart()
    expect(await set(1_999)).toEqual({ soft: 6, hard: 6 })
    await store().budgets.add([amount(accountId, 1, 7, 5)])
    expect(await store().budgets.reset(accountId, 'directory', 'fausse alerte', by)).toBe(true)
    expect([await set(1_999), await counts(accountId)]).toEqual([null, []])
    expect((await journal()).slice(0, 1)).toEqual([
      { by: 'anne', account: accountId, detail: 'directory 9: mission' },
    ])
    expect((await journal()).at(-1)).toMatchObject({ detail: 'directory: fausse alerte' })
  })

  const alert = (accountId: string, more: Partial<NewAlert> = {}): NewAlert => ({
    at: 500,
    accountId,
    deviceId: 1,
    budget: 'directory',
    kind: 'hard',
    level: 'device',
    used: 200,
    limit: 200,
    period: 3,
    ...more,
  })

  test('an alert is kept once for its window, listed newest first, and acknowledged with a reason', async () => {
    const { accountId } = await enrol(store(), 'Ada')
    const { alerts } = store()
    expect(await alerts.raise(alert(accountId))).toBe(true)
    expect(await alerts.raise(alert(accountId, { at: 600, used: 201 }))).toBe(false)
    expect(await alerts.raise(alert(randomUUID()))).toBe(false)
    expect(await alerts.raise(alert(accountId, { period: 4, at: 900 }))).toBe(true)
    await restart()
    const open = async (): Promise<readonly number[]> =>
      (await store().alerts.list({ openOnly: true, limit: 9 })).map(({ at }) => at)
    expect(await open()).toEqual([900, 500])
    const [newest, oldest] = await store().alerts.list({ openOnly: true, limit: 9 })
    expect(oldest).toMatchObject({ accountId, deviceId: 1, used: 200, limit: 200, acknowledgedAt: null })
    expect(await store().alerts.acknowledge(newest?.id ?? 0, 'vu', by)).toBe(1)
    expect(await store().alerts.acknowledge(newest?.id ?? 0, 'encore', by)).toBe(0)
    expect(await open()).toEqual([500])
    const [first] = await store().alerts.list({ openOnly: false, limit: 1 })
    expect(first).toMatchObject({ at: 900, acknowledgedAt: 1_000, reason: 'vu' })
    expect(await store().alerts.acknowledge(null, 'tout', by)).toBe(1)
    expect(await journal()).toEqual([
      { by: '', account: accountId, detail: 'directory' },
      { by: '', account: accountId, detail: 'directory' },
      { by: 'anne', detail: `${newest?.id}: vu` },
      { by: 'anne', detail: '1: tout' },
    ])
    await store().alerts.forget(900)
    expect(await store().alerts.list({ openOnly: false, limit: 9 })).toHaveLength(1)
  })

  test('an alert is claimed by one sender at a time until it was sent', async () => {
    const { accountId } = await enrol(store(), 'Ada')
    for (const period of [1, 2, 3]) await store().alerts.raise(alert(accountId, { period }))
    const claim = async (now: number, limit = 9): Promise<number[]> =>
      (await store().alerts.claim(now, 1_000, limit)).map(({ id }) => id)
    const first = await claim(5_000, 2)
    expect(first).toHaveLength(2)
    await store().alerts.mailed(first.slice(0, 1))
    expect(await claim(5_500)).toHaveLength(1)
    expect(await claim(6_000)).toEqual(first.slice(1))
    expect(await claim(6_999)).toHaveLength(1)
    await restart()
    const rest = await claim(9_999)
    expect(rest).toHaveLength(2)
    expect(await claim(9_999)).toEqual([])
    await store().alerts.release([...first, ...rest])
    expect(await claim(9_999)).toEqual(rest)
    expect(await store().alerts.waits()).toBe(true)
    await store().alerts.mailed(rest)
    expect(await store().alerts.waits()).toBe(false)
  })
}
