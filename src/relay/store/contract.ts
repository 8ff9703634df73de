import { randomUUID } from 'node:crypto'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { limits } from '../../wire/limits.ts'
import { blobContract } from './contractBlobs.ts'
import { budgetContract } from './contractBudgets.ts'
import { credentialContract } from './contractCredentials.ts'
import { deviceContract } from './contractDevices.ts'
import { generationContract } from './contractGenerations.ts'
import { bytes, enrol, enrolmentFor, envelopeFor, invite, keySet, putTo, textOf } from './contractKit.ts'
import { peopleContract } from './contractPeople.ts'
import { permitContract } from './contractPermits.ts'
import { queueStatsContract } from './contractQueueStats.ts'
import { searchWords } from './foldText.ts'
import type { PutRequest, RelayStore, StoredDeviceBundle } from './store.ts'

/** An engine under test: a fresh store, and the same one opened again as after a restart. */
export interface ContractEngine {
  open(): Promise<RelayStore>
  /** `queueBytes` where a test wants a smaller bound than that of `limits`. */
  reopen(queueBytes?: number): Promise<RelayStore>
  end(): Promise<void>
}

/** What every storage engine has to keep. Called within a `describe` of the engine's own test file. */
export function storeContract(prepare: () => Promise<ContractEngine>): void {
  let engine: ContractEngine
  let store: RelayStore
  beforeEach(async () => {
    engine = await prepare()
    store = await engine.open()
  })
  afterEach(async () => {
    await store.close()
    await engine.end()
  })
  const restart: Restart = async (queueBytes) => {
    await store.close()
    store = await engine.reopen(queueBytes)
  }
  invitationContract(() => store)
  directoryContract(() => store)
  keyContract(() => store)
  queueContract(() => store, restart)
  deviceContract(() => store)
  generationContract(() => store, restart)
  permitContract(() => store, restart)
  peopleContract(() => store, restart)
  queueStatsContract(() => store)
  budgetContract(() => store, restart)
  blobContract(() => store, restart)
  credentialContract(() => store, restart)
}

export type Restart = (queueBytes?: number) => Promise<void>

function invitationContract(store: () => RelayStore): void {
  test('an invitation is used once; its device may ask again, also late', async () => {
    const { codeHash, accountId } = await invite(store(), 'Ada')
    const enrolment = enrolmentFor(codeHash)
    expect(await store().accounts.find(accountId)).toBeNull()
    expect(await store().invitations.redeem(enrolment)).toMatchObject({ kind: 'enrolled', deviceId: 1 })
    expect(await store().invitations.redeem({ ...enrolment, now: 1e12 })).toMatchObject({
      kind: 'enrolled',
      deviceId: 1,
    })
    expect(await store().invitations.redeem(enrolmentFor(codeHash))).toEqual({ kind: 'used' })
    const other = { ...enrolment, identityKey: bytes(33) }
    expect(await store().invitations.redeem(other)).toEqual({ kind: 'used' })
    expect(await store().accounts.find(accountId)).toMatchObject({ accountId, displayName: 'Ada' })
    expect(await store().invitations.find(codeHash)).toMatchObject({ usedBy: enrolment.deviceKey })
  })

  test('an unknown and an expired invitation enrol nobody', async () => {
    expect(await store().invitations.redeem(enrolmentFor(bytes(32)))).toEqual({ kind: 'unknown' })
    const { codeHash, accountId } = await invite(store(), 'Ada')
    expect(await store().invitations.redeem({ ...enrolmentFor(codeHash), now: 2_000 })).toEqual({
      kind: 'expired',
    })
    expect(await store().accounts.find(accountId)).toBeNull()
    expect(await store().invitations.find(codeHash)).toMatchObject({ usedBy: null, expiresAt: 2_000 })
  })

  test('an enrolment without its keys changes nothing', async () => {
    const { codeHash, accountId } = await invite(store(), 'Ada')
    const without = { ...enrolmentFor(codeHash), keys: { ...keySet(0), lastResortKyberPreKey: null } }
    await expect(store().invitations.redeem(without)).rejects.toMatchObject({ code: 'keys.malformed' })
    expect(await store().accounts.find(accountId)).toBeNull()
    expect(await store().invitations.find(codeHash)).toMatchObject({ usedBy: null })
  })
}

function directoryContract(store: () => RelayStore): void {
  const all = { words: [], after: null, except: randomUUID(), counted: true, limit: 50 }

  test('names are found without case and accents, by the beginnings of words, enrolled accounts only', async () => {
    await enrol(store(), 'Bénédicte Œuvrard')
    await enrol(store(), 'Émile Strauß')
    await invite(store(), 'Eve Invited')
    const names = async (query: string): Promise<string[]> =>
      (await store().accounts.search({ ...all, words: searchWords(query) })).entries.map((e) => e.displayName)
    expect(await names('')).toEqual(['Bénédicte Œuvrard', 'Émile Strauß'])
    expect(await names('OEUV')).toEqual(['Bénédicte Œuvrard'])
    expect(await names('benedicte œu')).toEqual(['Bénédicte Œuvrard'])
    expect(await names('strauss emile')).toEqual(['Émile Strauß'])
    expect(await names('rard')).toEqual([])
    expect(await names('e% _')).toEqual(await names('e'))
    expect(await names('service')).toHaveLength(2)
    expect(await names('e em emi ministere')).toEqual(['Émile Strauß'])
  })

  test('whatever is typed finds who has a word beginning with each of its words, and counts them', async () => {
    const parts = ['Élo', 'el', 'Ma', 'mar', 'Martin', '李', 'É', '2e', 'not', 'AND']
    const names = Array.from({ length: 40 }, (_, n) =>
      [parts[n % 10], parts[(n * 7 + 3) % 10], parts[(n * n) % 10]].join(n % 2 === 0 ? ' ' : '-'),
    )
    const ids: string[] = []
    for (const name of names) ids.push((await enrol(store(), name)).accountId)
    for (const words of [['e'], ['el'], ['mar', 'm'], ['李'], ['2', 'e'], ['and'], ['not', 'el'], ['near']]) {
      const wanted = names
        .filter((name) => {
          const own = searchWords(`${name} Service des essais Ministère`)
          return words.every((word) => own.some((candidate) => candidate.startsWith(word)))
        })
        .toSorted()
      const page = await store().accounts.search({ ...all, words })
      expect(page.entries.map((entry) => entry.displayName).toSorted()).toEqual(wanted)
      expect(page.total).toBe(wanted.length)
      const mine = await store().accounts.search({ ...all, words, except: ids[0] ?? '' })
      expect(mine.total).toBe(mine.entries.length)
    }
  })

  test('pages follow one another without gap or repetition', async () => {
    const ids: string[] = []
    for (const name of ['Cy', 'Al', 'Bo', 'Al', 'Dé', 'Ève', 'Al'])
      ids.push((await enrol(store(), name)).accountId)
    const [asking] = ids
    const seen: string[] = []
    let after: string | null = null
    for (;;) {
      const counted = after === null
      const page = await store().accounts.search({ ...all, except: asking ?? '', after, counted, limit: 2 })
      expect(page.total).toBe(counted ? 6 : null)
      seen.push(...page.entries.map((entry) => entry.accountId))
      if (!page.more) break
      after = seen.at(-1) ?? null
    }
    expect(new Set(seen).size).toBe(6)
    expect(seen).not.toContain(asking)
    const none = await store().accounts.search({ ...all, after: randomUUID() })
    expect(none.entries).toEqual([])
  })
}

function keyContract(store: () => RelayStore): void {
  const taken = async (account: {
    readonly accountId: string
    readonly accessKeyHash: Uint8Array<ArrayBuffer>
  }): Promise<StoredDeviceBundle | undefined> => {
    const by = { kind: 'accessKey', hash: account.accessKeyHash } as const
    const outcome = await store().keys.takeBundle(account.accountId, by, 1)
    return outcome.kind === 'taken' ? outcome.bundle.devices[0] : undefined
  }

  test('a bundle takes one key of each kind, then falls back to the last resort', async () => {
    const ada = await enrol(store(), 'Ada', keySet(2))
    // At once: which of them comes first is the engine's affair.
    const bundles = await Promise.all([1, 2, 3].map(async () => taken(ada)))
    const ids = bundles.map((device) => [device?.preKey?.keyId ?? 0, device?.kyberPreKey.keyId ?? 0])
    expect(ids.toSorted(([a = 0], [b = 0]) => a - b)).toEqual([
      [0, 9_000],
      [1, 1],
      [2, 2],
    ])
    expect(await store().keys.count(ada.device)).toEqual({ oneTimePreKeys: 0, oneTimeKyberPreKeys: 0 })
    expect((await taken(ada))?.kyberPreKey.keyId).toBe(9_000)
  })

  test('its own device gets the bundles of the others; a wrong access key and nobody’s account open nothing', async () => {
    const ada = await enrol(store(), 'Ada')
    const own = { kind: 'own', except: ada.device } as const
    expect(await store().keys.takeBundle(ada.accountId, own, 1)).toMatchObject({
      kind: 'taken',
      bundle: { identityKey: ada.identityKey, devices: [] },
    })
    const wrong = { kind: 'accessKey', hash: bytes(32) } as const
    expect(await store().keys.takeBundle(ada.accountId, wrong, 1)).toEqual({ kind: 'denied' })
    expect(await store().keys.takeBundle(randomUUID(), wrong, 1)).toEqual({ kind: 'denied' })
  })

  test('an upload replaces what it names, adds one-time keys and keeps the newest', async () => {
    const ada = await enrol(store(), 'Ada', keySet(100))
    const { device, identityKey } = ada
    const more = { ...keySet(100, 101), lastResortKyberPreKey: null }
    expect(await store().keys.upload(device, identityKey, more)).toEqual({
      oneTimePreKeys: limits.oneTimePreKeysKept,
      oneTimeKyberPreKeys: limits.oneTimePreKeysKept,
    })
    const signedPreKey = { keyId: 5, publicKey: bytes(33), signature: bytes(64) }
    await store().keys.upload(device, identityKey, {
      ...keySet(20, 201),
      signedPreKey,
      lastResortKyberPreKey: null,
    })
    const bundle = await taken(ada)
    expect(bundle?.signedPreKey).toEqual(signedPreKey)
    expect(bundle?.preKey?.keyId).toBe(21)
    await store().keys.upload(device, identityKey, { ...keySet(3, 500), replaceOneTime: true })
    expect(await store().keys.count(device)).toEqual({ oneTimePreKeys: 3, oneTimeKyberPreKeys: 3 })
    expect((await taken(ada))?.preKey?.keyId).toBe(500)
  })

  test('keys that were checked against another identity key are refused', async () => {
    const { device } = await enrol(store(), 'Ada')
    await expect(store().keys.upload(device, bytes(33), keySet(1))).rejects.toMatchObject({
      code: 'identity.superseded',
    })
  })
}

function queueContract(store: () => RelayStore, restart: Restart): void {
  const put = async (request: PutRequest, now = 1_000): ReturnType<RelayStore['queues']['commit']> =>
    store().queues.commit({ puts: [request], deletes: [], now })

  test('envelopes come back in order, once, with rising ids that no restart reuses', async () => {
    const ada = await enrol(store(), 'Ada')
    await put(envelopeFor(ada, 'a'))
    await put(envelopeFor(ada, 'b'))
    const page = await store().queues.page(ada.device, 0, 10, 1e6)
    expect(page.map((envelope) => textOf(envelope.body))).toEqual(['a', 'b'])
    const last = page.at(-1)?.id ?? 0
    expect(await store().queues.newest(ada.device)).toBe(last)
    await store().queues.commit({
      puts: [],
      deletes: page.map(({ id }) => ({ device: ada.device, id })),
      now: 1_000,
    })
    expect(await store().queues.newest(ada.device)).toBe(0)
    await restart()
    const [outcome] = await put(envelopeFor(ada, 'c'))
    expect(outcome?.kind === 'stored' && (outcome.added[0]?.id ?? 0) > last).toBe(true)
  })

  test('a repeated put is stored once', async () => {
    const ada = await enrol(store(), 'Ada')
    const request = envelopeFor(ada, 'a')
    await put(request)
    const outcomes = await store().queues.commit({ puts: [request, request], deletes: [], now: 1_000 })
    expect(outcomes).toEqual([
      { kind: 'stored', added: [] },
      { kind: 'stored', added: [] },
    ])
    expect(await store().queues.page(ada.device, 0, 10, 1e6)).toHaveLength(1)
  })

  test('a put that does not serve exactly the account’s devices stores nothing', async () => {
    const ada = await enrol(store(), 'Ada')
    const [envelope] = envelopeFor(ada, 'a').envelopes
    if (envelope === undefined) throw new Error('no envelope')
    const own = { kind: 'own', except: ada.device } as const
    const tries = await store().queues.commit({
      puts: [
        putTo(ada, [{ ...envelope, deviceId: 2 }]),
        putTo(ada, [envelope, { ...envelope, deviceId: 3 }]),
        putTo(ada, [{ ...envelope, registrationId: 77 }]),
        putTo(ada, [envelope], own),
        { ...putTo(ada, [envelope]), destination: bytes(16) },
        { ...putTo(ada, [envelope], own), destination: bytes(16) },
        putTo(ada, [envelope], { kind: 'accessKey', hash: bytes(32) }),
      ],
      deletes: [],
      now: 1_000,
    })
    expect(tries).toEqual([
      { kind: 'mismatch', missing: [1], extra: [2], stale: [] },
      { kind: 'mismatch', missing: [], extra: [3], stale: [] },
      { kind: 'mismatch', missing: [], extra: [], stale: [1] },
      { kind: 'mismatch', missing: [], extra: [1], stale: [] },
      { kind: 'denied' },
      { kind: 'unknownRecipient' },
      { kind: 'denied' },
    ])
    expect(await store().queues.page(ada.device, 0, 10, 1e6)).toEqual([])
  })

  test('only the device itself deletes its envelopes', async () => {
    const [ada, bob] = [await enrol(store(), 'Ada'), await enrol(store(), 'Bob')]
    await put(envelopeFor(ada, 'a'))
    const id = await store().queues.newest(ada.device)
    await store().queues.commit({ puts: [], deletes: [{ device: bob.device, id }], now: 1_000 })
    expect(await store().queues.newest(ada.device)).toBe(id)
  })

  test('the time of reception never falls, also over a restart', async () => {
    const ada = await enrol(store(), 'Ada')
    await put(envelopeFor(ada, 'a'), 5_000)
    await put(envelopeFor(ada, 'b'), 4_000)
    await restart()
    await put(envelopeFor(ada, 'c'), 3_000)
    await put(envelopeFor(ada, 'd'), 6_000)
    const page = await store().queues.page(ada.device, 0, 10, 1e6)
    expect(page.map((envelope) => envelope.receivedAt)).toEqual([5_000, 5_000, 5_000, 6_000])
  })

  test('a page ends at its rows and at its bytes', async () => {
    const ada = await enrol(store(), 'Ada')
    for (const name of ['a', 'b', 'c', 'd']) await put(envelopeFor(ada, name.repeat(100)))
    expect(await store().queues.page(ada.device, 0, 3, 1e6)).toHaveLength(3)
    expect(await store().queues.page(ada.device, 0, 4, 150)).toHaveLength(2)
    const [first] = await store().queues.page(ada.device, 0, 1, 1)
    expect(await store().queues.page(ada.device, first?.id ?? 0, 9, 1e6)).toHaveLength(3)
  })

  test('a full queue refuses all but repetitions, and takes again after a delete', async () => {
    const ada = await enrol(store(), 'Ada')
    const puts = Array.from({ length: limits.queueEnvelopes }, (_, n) => envelopeFor(ada, String(n)))
    // In groups as a relay's: what takes longer than a statement may is refused.
    for (let at = 0; at < puts.length; at += 2_000)
      await store().queues.commit({ puts: puts.slice(at, at + 2_000), deletes: [], now: 1_000 })
    expect(await put(envelopeFor(ada, 'more'))).toEqual([{ kind: 'full' }])
    expect(await put(puts[7] ?? envelopeFor(ada, 'none'))).toEqual([{ kind: 'stored', added: [] }])
    await restart()
    expect(await put(envelopeFor(ada, 'more'))).toEqual([{ kind: 'full' }])
    const [oldest] = await store().queues.page(ada.device, 0, 1, 1e6)
    await store().queues.commit({
      puts: [],
      deletes: [{ device: ada.device, id: oldest?.id ?? 0 }],
      now: 1_000,
    })
    expect(await put(envelopeFor(ada, 'more'))).toMatchObject([{ kind: 'stored' }])
  })

  test('the bytes of a queue are bounded too, counted over restarts and deletes', async () => {
    await restart(10_000)
    const [ada, bob] = [await enrol(store(), 'Ada'), await enrol(store(), 'Bob')]
    const puts = Array.from({ length: 4 }, () => envelopeFor(ada, 'x'.repeat(2_500)))
    await store().queues.commit({ puts, deletes: [], now: 1_000 })
    expect(await put(envelopeFor(ada, 'y'))).toEqual([{ kind: 'full' }])
    expect(await put(puts[2] ?? envelopeFor(ada, 'none'))).toEqual([{ kind: 'stored', added: [] }])
    expect(await put(envelopeFor(bob, 'y'))).toMatchObject([{ kind: 'stored' }])
    await restart(10_000)
    expect(await put(envelopeFor(ada, 'y'))).toEqual([{ kind: 'full' }])
    const [oldest] = await store().queues.page(ada.device, 0, 1, 1e6)
    const gone = { device: ada.device, id: oldest?.id ?? 0 }
    await store().queues.commit({ puts: [], deletes: [gone, gone], now: 1_000 })
    expect(await put(envelopeFor(ada, 'z'.repeat(2_501)))).toEqual([{ kind: 'full' }])
    expect(await put(envelopeFor(ada, 'z'.repeat(2_500)))).toMatchObject([{ kind: 'stored' }])
    expect(await put(envelopeFor(ada, 'y'))).toEqual([{ kind: 'full' }])
  })
}
