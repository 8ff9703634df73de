import { expect, test } from 'vitest'
import type { BlobPutOutcome, BlobReadOutcome, NewBlob } from './blobStore.ts'
import type { Restart } from './contract.ts'
import { bytes, enrol, envelopeFor, permit } from './contractKit.ts'
import type { RelayStore } from './store.ts'

/** Encrypted files: rows only, and the permits that pay. */
export function blobContract(store: () => RelayStore, restart: Restart): void {
  const room = 1_000
  const blob = (more: Partial<NewBlob> = {}): NewBlob => ({
    id: bytes(32),
    file: Buffer.from(bytes(16)).toString('hex'),
    size: 100,
    contentHash: bytes(32),
    reads: 2,
    expiresAt: 50_000,
    permit: permit(),
    now: 1_000,
    ...more,
  })
  const put = async (wanted: NewBlob): Promise<BlobPutOutcome> => store().blobs.put(wanted, room)
  const read = async (id: NewBlob['id'], by = permit(), now = 2_000): Promise<BlobReadOutcome> =>
    store().blobs.read({ id, permit: by, now, graceMs: 600 })

  test('a file is put once; the same put may be repeated, and nothing else under its id', async () => {
    const one = blob()
    expect(await put(one)).toEqual({ kind: 'stored', replaced: null })
    await restart()
    expect(await put({ ...one, file: 'other', now: 5_000, expiresAt: 90_000 })).toEqual({
      kind: 'repeated',
      expiresAt: 50_000,
    })
    expect(await put({ ...one, contentHash: bytes(32) })).toEqual({ kind: 'exists' })
    expect(await put({ ...one, size: 99 })).toEqual({ kind: 'exists' })
    expect([...(await store().blobs.files())]).toEqual([one.file])
    expect(await store().blobs.bytes()).toBe(100)
  })

  test('a permit pays for one act: not for two files, nor a put as well; what is refused spends none', async () => {
    const ada = await enrol(store(), 'Ada')
    const by = permit()
    expect(await store().blobs.check({ id: bytes(32), size: 1_001, permit: by, now: 1_000 }, room)).toEqual({
      kind: 'full',
    })
    expect(await put(blob({ permit: by, size: 1_001 }))).toEqual({ kind: 'full' })
    expect(await read(bytes(32), by)).toEqual({ kind: 'unknown' })
    const one = blob({ permit: by })
    expect(await put(one)).toEqual({ kind: 'stored', replaced: null })
    expect(await put(blob({ permit: by }))).toEqual({ kind: 'permitSpent' })
    expect(await store().blobs.check(blob({ permit: by }), room)).toEqual({ kind: 'permitSpent' })
    // Its own repetition is told from another put by its bytes, once they are there.
    expect(await store().blobs.check(one, room)).toEqual({ kind: 'open' })
    expect(await read(one.id, by)).toEqual({ kind: 'permitSpent' })
    const request = { ...envelopeFor(ada, 'a'), by: { kind: 'permit', permit: by } as const }
    const commit = { puts: [request], deletes: [], now: 1 }
    expect(await store().queues.commit(commit)).toEqual([{ kind: 'permitSpent' }])
  })

  test('a file is read as often as intended; who paid may repeat a read for a while', async () => {
    const one = blob()
    const [first, last] = [permit(), permit()]
    await put(one)
    expect(await read(one.id, first)).toEqual({ kind: 'read', file: one.file, size: 100 })
    expect(await read(one.id, first)).toMatchObject({ kind: 'repeated' })
    await restart()
    expect(await read(one.id, last)).toMatchObject({ kind: 'read' })
    expect(await read(one.id)).toEqual({ kind: 'unknown' })
    expect(await read(one.id, last, 2_599)).toMatchObject({ kind: 'repeated' })
    expect(await read(one.id, last, 2_600)).toEqual({ kind: 'unknown' })
    expect(await store().blobs.expire(2_599)).toEqual([])
    expect(await store().blobs.expire(2_600)).toEqual([one.file])
    expect(await store().blobs.bytes()).toBe(0)
  })

  test('what has expired or was read up is put anew, for a new permit', async () => {
    const [late, read1] = [blob(), blob({ reads: 1 })]
    await put(late)
    await put(read1)
    await read(read1.id)
    const again = async (old: NewBlob, now: number): Promise<void> => {
      const anew = { ...old, file: blob().file, expiresAt: 90_000, now }
      expect(await store().blobs.check(anew, room)).toEqual({ kind: 'permitSpent' })
      expect(await put(anew)).toEqual({ kind: 'permitSpent' })
      const paid = { ...anew, permit: permit(), contentHash: bytes(32) }
      expect(await put(paid)).toEqual({ kind: 'stored', replaced: old.file })
      expect(await read(old.id, permit(), now)).toMatchObject({ kind: 'read', file: anew.file })
    }
    await again(read1, 2_000)
    await again(late, 50_000)
    expect((await store().blobs.files()).size).toBe(2)
    expect(await store().blobs.bytes()).toBe(200)
  })

  test('a file that nobody read goes when it expires', async () => {
    const one = blob()
    await put(one)
    expect(await read(one.id, permit(), 50_000)).toEqual({ kind: 'unknown' })
    expect(await store().blobs.expire(50_000)).toEqual([one.file])
    expect(await store().blobs.expire(50_000)).toEqual([])
  })
}
