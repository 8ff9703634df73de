import { expect, test } from 'vitest'
import { bytes, enrol, envelopeFor } from './contractKit.ts'
import type { Restart } from './contract.ts'
import type { GenerationAct, GenerationOutcome } from './deviceStore.ts'
import type { RelayStore } from './store.ts'

const dayMs = 24 * 3_600_000
const none = new Uint8Array(0)

/** That what `generation.ts` decides is kept, over restarts too. */
export function generationContract(store: () => RelayStore, restart: Restart): void {
  const act = async (one: GenerationAct): Promise<GenerationOutcome | undefined> =>
    (await store().generations.commit([one]))[0]
  const connect = (
    device: number,
    token: Uint8Array<ArrayBuffer>,
    next: Uint8Array<ArrayBuffer>,
    more: { holder?: Uint8Array<ArrayBuffer>; takenUpTo?: number; now?: number } = {},
  ): GenerationAct => ({
    kind: 'connect',
    device,
    token,
    next,
    holder: bytes(16),
    takenUpTo: Number.MAX_SAFE_INTEGER,
    now: 1,
    ...more,
  })
  const confirm = (
    device: number,
    token: Uint8Array<ArrayBuffer>,
    more: { holder?: Uint8Array<ArrayBuffer>; stopping?: boolean } = {},
  ): GenerationAct => ({
    kind: 'confirm',
    device,
    token,
    holder: bytes(16),
    stopping: false,
    accepted: null,
    ...more,
  })

  test('tokens, holders and an orderly stop are durable', async () => {
    const { device } = await enrol(store(), 'Ada')
    const [first, second, third] = [bytes(16), bytes(16), bytes(16)]
    const holder = bytes(16)
    expect(await act(connect(device, none, first, { holder }))).toMatchObject({ verdict: 'first' })
    expect(await act(confirm(device, second, { holder }))).toEqual({ kind: 'notPending' })
    expect(await act(confirm(device, first, { holder }))).toEqual({ kind: 'confirmed' })
    await restart()
    expect(await act(connect(device, first, second, { holder }))).toMatchObject({ verdict: 'current' })
    expect(await act(connect(device, first, second))).toMatchObject({ verdict: 'unsure' })
    expect(await act(connect(device, none, second))).toMatchObject({ verdict: 'foreign' })
    expect(await act({ kind: 'offer', device, holder, token: third })).toEqual({ kind: 'offered' })
    expect(await act(confirm(device, second, { holder }))).toEqual({ kind: 'notPending' })
    expect(await act(confirm(device, third, { holder, stopping: true }))).toEqual({ kind: 'confirmed' })
    await restart()
    expect(await act(connect(device, third, first))).toMatchObject({ verdict: 'current' })
  })

  test('the highest acknowledgement is kept with the delete: an older vault is foreign', async () => {
    const ada = await enrol(store(), 'Ada')
    const bob = await enrol(store(), 'Bob')
    const { device } = ada
    const puts = [envelopeFor(ada, 'a'), envelopeFor(ada, 'b'), envelopeFor(bob, 'c')]
    await store().queues.commit({ puts, deletes: [], now: 1 })
    const [a, b] = await store().queues.page(device, 0, 9, 1e6)
    const theirs = await store().queues.newest(bob.device)
    const deletes = [b, a].map((each) => ({ device, id: each?.id ?? 0 }))
    // Neither what belongs to others nor what never was raises it.
    const foreign = [
      { device, id: theirs },
      { device, id: theirs + 1_000 },
    ]
    await store().queues.commit({ puts: [], deletes: [...deletes, ...foreign], now: 1 })
    await restart()
    const token = bytes(16)
    const highest = b?.id ?? 0
    expect(await act(connect(device, none, token, { takenUpTo: highest - 1 }))).toMatchObject({
      verdict: 'foreign',
      acknowledged: highest,
    })
    expect(await act(connect(device, none, token, { takenUpTo: highest }))).toMatchObject({
      verdict: 'first',
    })
  })

  test('the day of a connection is kept, not its time; the revision comes along', async () => {
    const { device, accountId } = await enrol(store(), 'Ada')
    const now = 20_000 * dayMs + 12_345_678
    const revision = (await store().devices.list(accountId))?.revision
    expect(await act(connect(device, none, bytes(16), { now }))).toMatchObject({ revision })
    expect((await store().devices.list(accountId))?.devices[0]?.lastSeenDay).toBe(20_000 * dayMs)
  })

  test('a frozen device stays frozen; released it is foreign, whatever it shows', async () => {
    const { device, accountId } = await enrol(store(), 'Ada')
    const token = bytes(16)
    await act(connect(device, none, token))
    await act(confirm(device, token))
    expect(await act({ kind: 'freeze', device })).toEqual({ kind: 'frozen' })
    await restart()
    expect((await store().devices.find(accountId, 1))?.frozen).toBe(true)
    expect(await act(connect(device, token, bytes(16)))).toEqual({ kind: 'frozen' })
    expect(await act(confirm(device, token))).toEqual({ kind: 'frozen' })
    expect(await store().devices.release(accountId, 2)).toBe(false)
    expect(await store().devices.release(accountId, 1)).toBe(true)
    expect((await store().devices.find(accountId, 1))?.frozen).toBe(false)
    for (const shown of [none, token]) {
      expect(await act(connect(device, shown, bytes(16)))).toMatchObject({ verdict: 'foreign' })
    }
  })

  test('one group, one outcome for each act; nothing is known of a device that went', async () => {
    const { device, accountId } = await enrol(store(), 'Ada')
    const token = bytes(16)
    const acts = [connect(device, none, token), confirm(device, token), confirm(device, token)]
    expect((await store().generations.commit(acts)).map(({ kind }) => kind)).toEqual([
      'judged',
      'confirmed',
      'notPending',
    ])
    await store().devices.remove(accountId, 1)
    expect(await act(connect(device, token, bytes(16)))).toEqual({ kind: 'gone' })
  })
}
