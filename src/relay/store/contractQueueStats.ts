import { expect, test } from 'vitest'
import type { Bytes } from '../../base/bytes.ts'
import { bytes, enrol, envelopeFor, keySet } from './contractKit.ts'
import type { QueueMark, QueueTotals } from './queueStats.ts'
import type { RelayStore } from './store.ts'

/** What an operator measures. */
export function queueStatsContract(store: () => RelayStore): void {
  const walk = async (rows: number): Promise<QueueTotals> => {
    let [envelopes, bytes] = [0, 0]
    let after: QueueMark | null = null
    do {
      const slice = await store().stats.slice(after, rows)
      expect(slice.envelopes).toBeLessThanOrEqual(rows)
      envelopes += slice.envelopes
      bytes += slice.bytes
      after = slice.next
    } while (after !== null)
    return { envelopes, bytes }
  }

  test('all queues are measured in slices, none twice and none left out', async () => {
    expect(await walk(3)).toEqual({ envelopes: 0, bytes: 0 })
    const [ada, bob] = [await enrol(store(), 'Ada'), await enrol(store(), 'Bob')]
    const puts = [1, 2, 3, 4, 5, 6, 7].map((n) => envelopeFor(n % 2 === 0 ? ada : bob, 'x'.repeat(n)))
    await store().queues.commit({ puts, deletes: [], now: 1_000 })
    for (const rows of [1, 2, 3, 7, 8, 100]) expect(await walk(rows)).toEqual({ envelopes: 7, bytes: 28 })
  })

  test('a probe writes, and leaves ids and times as they have to be', async () => {
    const ada = await enrol(store(), 'Ada')
    await store().queues.commit({ puts: [envelopeFor(ada, 'a')], deletes: [], now: 6_000 })
    await store().stats.probe(5_000)
    await store().queues.commit({ puts: [envelopeFor(ada, 'b')], deletes: [], now: 1_000 })
    const [first, second] = await store().queues.page(ada.device, 0, 2, 1e6)
    expect(second?.id).toBeGreaterThan(first?.id ?? 0)
    expect(second?.receivedAt).toBeGreaterThanOrEqual(6_000)
  })

  test('after a restore ids rise above all given out, one-time keys are gone, and any token is taken once', async () => {
    const ada = await enrol(store(), 'Ada', keySet(3))
    const before = await store().devices.list(ada.accountId)
    await store().queues.commit({ puts: [envelopeFor(ada, 'a')], deletes: [], now: 1_000 })
    const first = await store().queues.newest(ada.device)
    await store().stats.restored()
    await store().queues.commit({ puts: [envelopeFor(ada, 'b')], deletes: [], now: 1_000 })
    expect(await store().queues.newest(ada.device)).toBeGreaterThan(first + 2 ** 39)
    expect(await store().keys.count(ada.device)).toEqual({ oneTimePreKeys: 0, oneTimeKyberPreKeys: 0 })
    expect((await store().devices.list(ada.accountId))?.revision).toBeGreaterThan(
      (before?.revision ?? 0) + 1_000,
    )
    const verdictOf = async (token: Bytes): Promise<unknown> => {
      const vault = { token, holder: bytes(16), takenUpTo: first }
      const act = { kind: 'connect', device: ada.device, next: bytes(16), now: 1_000, ...vault } as const
      const [outcome] = await store().generations.commit([act])
      return outcome?.kind === 'judged' ? outcome.verdict : outcome?.kind
    }
    const token = bytes(16)
    expect([await verdictOf(token), await verdictOf(bytes(16)), await verdictOf(token)]).toEqual([
      'unsure',
      'foreign',
      'unsure',
    ])
  })
}
