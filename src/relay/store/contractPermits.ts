import { randomUUID } from 'node:crypto'
import { expect, test } from 'vitest'
import { limits } from '../../wire/limits.ts'
import { addDevice, enrol, envelope, envelopeFor, permit, putTo } from './contractKit.ts'
import type { Restart } from './contract.ts'
import type { PutOutcome, PutRequest, RelayStore, SpendablePermit } from './store.ts'

const dayMs = 24 * 3_600_000
const hourMs = 3_600_000

/** Blind permits: drawn within a day's budget, spent once. */
export function permitContract(store: () => RelayStore, restart: Restart): void {
  const put = async (request: PutRequest, now = 1_000): Promise<PutOutcome | undefined> =>
    (await store().queues.commit({ puts: [request], deletes: [], now }))[0]
  const paid = (request: PutRequest, by: SpendablePermit): PutRequest => ({
    ...request,
    by: { kind: 'permit', permit: by },
  })

  test('a day’s permits are counted over restarts, and a clock that goes back gives no others', async () => {
    const { accountId } = await enrol(store(), 'Ada')
    const noon = 20_000 * dayMs + dayMs / 2
    const draw = async (count: number, now = noon): Promise<number | null> =>
      (await store().permits.draw(accountId, count, now))?.left ?? null
    expect(await draw(150)).toBe(limits.permitsPerDay - 150)
    await restart()
    expect(await draw(51)).toBeNull()
    expect(await draw(50)).toBe(0)
    expect(await draw(1, noon - dayMs)).toBeNull()
    expect(await draw(limits.permitsPerDay, noon + dayMs)).toBe(0)
  })

  test('a permit pays for one put; the same put may be repeated, also after it was read', async () => {
    const ada = await enrol(store(), 'Ada')
    const by = permit()
    const request = paid(envelopeFor(ada, 'a'), by)
    expect(await put(request)).toMatchObject({ kind: 'stored', added: [{}] })
    expect(await put(request)).toEqual({ kind: 'stored', added: [] })
    expect(await put(paid(envelopeFor(ada, 'b'), by))).toEqual({ kind: 'permitSpent' })
    const id = await store().queues.newest(ada.device)
    await store().queues.commit({ puts: [], deletes: [{ device: ada.device, id }], now: 1 })
    await restart()
    expect(await put(request)).toEqual({ kind: 'stored', added: [] })
    expect(await put(paid(envelopeFor(ada, 'c'), by))).toEqual({ kind: 'permitSpent' })
    expect(await store().queues.newest(ada.device)).toBe(0)
  })

  test('within one group too a permit is spent once', async () => {
    const ada = await enrol(store(), 'Ada')
    const by = permit()
    const puts = ['a', 'b'].map((body) => paid(envelopeFor(ada, body), by))
    const outcomes = await store().queues.commit({ puts, deletes: [], now: 1 })
    expect(outcomes.map(({ kind }) => kind)).toEqual(['stored', 'permitSpent'])
  })

  test('a put that is not stored spends nothing', async () => {
    const ada = await enrol(store(), 'Ada')
    await addDevice(store(), ada, 2)
    const by = permit()
    expect(await put(paid(envelopeFor(ada, 'a'), by))).toMatchObject({ kind: 'mismatch', missing: [2] })
    const unknown = paid({ ...envelopeFor(ada, 'a'), destination: new Uint8Array(16) }, by)
    expect(await put(unknown)).toEqual({ kind: 'unknownRecipient' })
    expect(await put(paid(putTo(ada, [envelope(1), envelope(2)]), by))).toMatchObject({ kind: 'stored' })
  })

  test('strangers bring an account so many puts an hour and no more; its contacts are not held up', async () => {
    const [ada, bob] = [await enrol(store(), 'Ada'), await enrol(store(), 'Bob')]
    const puts = Array.from({ length: limits.permitPutsPerHour }, () => paid(envelopeFor(ada, 'a'), permit()))
    const outcomes = await store().queues.commit({ puts, deletes: [], now: 1_000 })
    expect(outcomes.every(({ kind }) => kind === 'stored')).toBe(true)
    const one = paid(envelopeFor(ada, 'more'), permit())
    expect(await put(one, 2_000)).toEqual({ kind: 'recipientLimit', retryAfterMs: hourMs - 1_000 })
    expect(await put(envelopeFor(ada, 'by a contact'), 2_000)).toMatchObject({ kind: 'stored' })
    expect(await put(paid(envelopeFor(bob, 'a'), permit()), 2_000)).toMatchObject({ kind: 'stored' })
    expect(await put(one, 1_000 + hourMs)).toMatchObject({ kind: 'stored' })
  })

  test('a permit pays for a bundle once, and not for a put as well', async () => {
    const ada = await enrol(store(), 'Ada')
    const by = { kind: 'permit', permit: permit() } as const
    expect(await store().keys.takeBundle(randomUUID(), by, 1)).toEqual({ kind: 'unknownRecipient' })
    expect(await store().permits.isSpent(by.permit)).toBe(false)
    expect(await store().keys.takeBundle(ada.accountId, by, 1)).toMatchObject({ kind: 'taken' })
    expect(await store().permits.isSpent(by.permit)).toBe(true)
    expect(await store().keys.takeBundle(ada.accountId, by, 1)).toEqual({ kind: 'permitSpent' })
    expect(await put(putTo(ada, [envelope(1)], by))).toEqual({ kind: 'permitSpent' })
  })

  test('a spent permit is remembered until a day after nobody would take it', async () => {
    const ada = await enrol(store(), 'Ada')
    const by = permit(10 * dayMs)
    await put(paid(envelopeFor(ada, 'a'), by))
    const later = async (now: number): Promise<PutOutcome | undefined> => {
      await put(paid(envelopeFor(ada, 'other'), permit(99 * dayMs)), now)
      return put(paid(envelopeFor(ada, 'b'), by), now)
    }
    expect(await later(10.5 * dayMs)).toEqual({ kind: 'permitSpent' })
    expect(await later(11.5 * dayMs)).toMatchObject({ kind: 'stored' })
  })
}
