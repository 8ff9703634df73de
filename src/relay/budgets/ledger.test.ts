import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { silentLog } from '../log.ts'
import { enrol } from '../store/contractKit.ts'
import { openSqliteStore } from '../store/sqlite.ts'
import type { RelayStore } from '../store/store.ts'
import { BudgetLedger, type LedgerDeps, type StepUp } from './ledger.ts'
import { SeenEntries } from './seen.ts'
import { usualAccountBudgets } from './table.ts'

const hourMs = 3_600_000
let folder: string
let store: RelayStore
let accountId: string
let now = 1_800_000_000_000
const told: string[] = []

beforeEach(async () => {
  // What is given back, and what is known of others, ages when a test says so.
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
  folder = await mkdtemp(join(tmpdir(), 'valise-ledger-'))
  store = openSqliteStore(join(folder, 'relay.db'))
  accountId = (await enrol(store, 'Ada')).accountId
  told.length = 0
})

afterEach(async () => {
  vi.useRealTimers()
  await store.close()
  await rm(folder, { recursive: true, force: true })
})

/** As one process has it. */
function ledger(stepUp: StepUp = 'none', more: Partial<LedgerDeps> = {}): BudgetLedger {
  return new BudgetLedger({
    store: store.budgets,
    budgets: usualAccountBudgets,
    clock: { now: () => now },
    log: silentLog,
    stepUp: async () => stepUp,
    passed: (_who, budget, { kind, level }) => told.push(`${budget} ${level} ${kind}`),
    ...more,
  })
}

const device = (deviceId: number): { accountId: string; deviceId: number } => ({ accountId, deviceId })

/** How many of so many acts at once pass. */
async function many(budgets: BudgetLedger, acts: number, deviceId = 1): Promise<number> {
  const outcomes = await Promise.allSettled(
    Array.from({ length: acts }, async () => budgets.spend(device(deviceId), 'directory')),
  )
  return outcomes.filter(({ status }) => status === 'fulfilled').length
}

const counted = async (): Promise<number> =>
  (await store.budgets.read(accountId, 'directory', 0, now)).counts.reduce((sum, { used }) => sum + used, 0)

test('a device has its limit, the account has another, and a refusal says when it ends', async () => {
  const budgets = ledger()
  expect(await many(budgets, 300)).toBe(150)
  expect(await many(budgets, 300, 2)).toBe(50)
  expect(await many(budgets, 300, 3)).toBe(0)
  const refusal: unknown = await budgets.spend(device(1), 'directory').catch((thrown: unknown) => thrown)
  expect(refusal).toMatchObject({ code: 'budget.spent' })
  const { retryAfterMs } = (refusal as { details: { retryAfterMs: number } }).details
  expect(retryAfterMs).toBeGreaterThan(hourMs)
  now += retryAfterMs
  expect(await many(budgets, 1)).toBe(1)
  expect(new Set(told)).toEqual(
    new Set([
      'directory device soft',
      'directory device hard',
      'directory account soft',
      'directory account hard',
    ]),
  )
  await budgets.drain()
})

test('without a second factor a soft limit is only told; who has one is asked for it', async () => {
  const asking = ledger({ address: 'https://relay.example/#step-up' })
  expect(await many(asking, 140)).toBe(120)
  await expect(asking.spend(device(1), 'directory')).rejects.toMatchObject({
    code: 'budget.stepUp',
    details: { address: 'https://relay.example/#step-up' },
  })
  // Who takes this account's keys is somebody else.
  for (let n = 0; n < 31; n += 1) await asking.within(device(1).accountId, 'keysByPermit')
  await asking.drain()
  expect(await many(ledger('given'), 10)).toBe(10)
})

test('a crash counts less than a tenth too much and nothing too little, an orderly stop is exact', async () => {
  const killed = ledger()
  for (let n = 0; n < 90; n += 1) await killed.spend(device(1), 'directory')
  // Nothing is drained: what was taken ahead stays counted, as with a kill.
  expect(await counted()).toBe(105)
  const next = ledger()
  expect(await many(next, 300)).toBe(45)
  await killed.drain()
  await next.drain()
  expect(await counted()).toBe(135)
})

test('what was taken ahead and not used is given back after a second', async () => {
  const budgets = ledger()
  await budgets.spend(device(1), 'directory')
  await vi.advanceTimersByTimeAsync(999)
  expect(await counted()).toBe(21)
  await vi.advanceTimersByTimeAsync(1)
  await expect.poll(counted).toBe(1)
  await budgets.drain()
})

test('several processes keep a limit together, one act after the other or all at once', async () => {
  const processes = [ledger(), ledger(), ledger()]
  const passed = await Promise.all(processes.map(async (budgets, n) => many(budgets, 200, n)))
  let sum = passed.reduce((all, one) => all + one, 0)
  expect(sum).toBeGreaterThan(100)
  for (let round = 0; round < 300; round += 1) {
    for (const budgets of processes) sum += await many(budgets, 1, round % 3)
  }
  expect(sum).toBe(200)
  await Promise.all(processes.map(async (budgets) => budgets.drain()))
  expect(await counted()).toBe(200)
})

test('what an administrator sets or resets holds within a second', async () => {
  const budgets = ledger()
  expect(await many(budgets, 300)).toBe(150)
  await budgets.drain()
  const by = { by: { kind: 'operator', name: 'anne' }, now } as const
  const allowance = { soft: 400, hard: 500 }
  await store.budgets.allow({ accountId, budget: 'directory', allowance, until: now + 1 }, 'mission', by)
  await vi.advanceTimersByTimeAsync(1_000)
  expect(await many(budgets, 1_000)).toBe(350)
  await budgets.drain()
  await store.budgets.reset(accountId, 'directory', 'r', by)
  expect(await many(ledger(), 300)).toBe(150)
})

test('an act that cannot be made durable is refused, and counts once the disk is back', async () => {
  const { budgets: real } = store
  let broken = true
  const take: typeof real.take = async (...act) => {
    if (broken) throw new Error('disk')
    return real.take(...act)
  }
  const budgets = ledger('none', { store: { ...real, take } })
  await expect(budgets.spend(device(1), 'directory')).rejects.toThrow('disk')
  expect(await many(budgets, 19)).toBe(0)
  broken = false
  expect(await many(budgets, 300)).toBe(150)
  await budgets.drain()
})

test('a person who was shown is not counted again in the window, for this account alone', async () => {
  const seen = new SeenEntries(hourMs)
  const people = ['a', 'b', 'c']
  expect(seen.fresh(accountId, people, now)).toEqual(people)
  seen.counted(accountId, ['a', 'b'], now)
  expect(seen.fresh(accountId, people, now + hourMs)).toEqual(['c'])
  expect(seen.fresh('another', people, now)).toEqual(people)
  expect(seen.fresh(accountId, people, now + 1.2 * hourMs)).toEqual(people)
})
