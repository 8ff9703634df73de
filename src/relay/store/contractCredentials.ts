import { randomUUID } from 'node:crypto'
import { expect, test } from 'vitest'
import type { Bytes } from '../../base/bytes.ts'
import type { Restart } from './contract.ts'
import { bytes, enrol } from './contractKit.ts'
import type { NewCredential } from './credentialStore.ts'
import type { ActContext } from './peopleStore.ts'
import type { RelayStore } from './store.ts'

const by: ActContext = { by: { kind: 'operator', name: 'anne' }, now: 1_000 }
const credential = (more: Partial<NewCredential> = {}): NewCredential => ({
  id: bytes(20),
  publicKey: bytes(77),
  counter: 3,
  ...more,
})

export function credentialContract(store: () => RelayStore, restart: Restart): void {
  const acts = async (): Promise<readonly string[]> => {
    const rows = await store().acts.rows(0, 100)
    return rows
      .map(({ type, payload }) => `${type} ${String(payload)}`)
      .filter((act) => act.startsWith('factor'))
  }
  const linked = async (accountId: string, expiresAt = 2_000): Promise<Bytes> => {
    const linkHash = bytes(32)
    expect(await store().credentials.link({ accountId, linkHash, expiresAt }, by)).toBe(true)
    return linkHash
  }
  const registered = async (accountId: string, more: Partial<NewCredential> = {}): Promise<NewCredential> => {
    const made = credential(more)
    expect(await store().credentials.register(await linked(accountId), made, 1_500)).toBe('registered')
    return made
  }

  test('a link registers one credential, once, in its time, and the newest link of an account alone', async () => {
    const { accountId } = await enrol(store(), 'Ada')
    const { credentials } = store()
    const nobody = { accountId: randomUUID(), linkHash: bytes(32), expiresAt: 9e9 }
    expect(await credentials.link(nobody, by)).toBe(false)
    const first = await linked(accountId)
    const second = await linked(accountId)
    expect(await credentials.linked(first, 1_500)).toBeNull()
    expect([await credentials.linked(second, 1_999), await credentials.linked(second, 2_000)]).toEqual([
      accountId,
      null,
    ])
    const made = credential()
    expect(await credentials.register(first, made, 1_500)).toBe('unknown')
    expect(await credentials.register(second, made, 2_000)).toBe('unknown')
    const both = await Promise.all([1, 2].map(async () => credentials.register(second, credential(), 1_500)))
    expect(both.toSorted()).toEqual(['registered', 'unknown'])
    await restart()
    expect(await store().credentials.linked(second, 1_500)).toBeNull()
    expect(await store().credentials.list(accountId)).toHaveLength(1)
    expect(await acts()).toEqual([
      `factor.linked {"account":"${accountId}","by":"anne"}`,
      `factor.linked {"account":"${accountId}","by":"anne"}`,
      `factor.registered {"account":"${accountId}","by":"${accountId}"}`,
    ])
  })

  test('a credential is kept as it was, and belongs to one account only', async () => {
    const [ada, bob] = [await enrol(store(), 'Ada'), await enrol(store(), 'Bob')]
    const made = await registered(ada.accountId)
    const again = await linked(bob.accountId)
    expect(await store().credentials.register(again, { ...made, publicKey: bytes(9) }, 1_500)).toBe('taken')
    expect(await store().credentials.linked(again, 1_500)).toBe(bob.accountId)
    await restart()
    const kept = { ...made, accountId: ada.accountId, createdAt: 1_500 }
    expect(await store().credentials.find(made.id)).toEqual(kept)
    expect(await store().credentials.list(ada.accountId)).toEqual([kept])
    expect(await store().credentials.list(bob.accountId)).toEqual([])
    expect(await store().credentials.find(bytes(20))).toBeNull()
  })

  test('a counter rises; one that does not changes nothing and is in the journal', async () => {
    const { accountId } = await enrol(store(), 'Ada')
    const { id } = await registered(accountId)
    const use = async (counter: number): Promise<string> =>
      store().credentials.use({ id, counter, purpose: 'signIn' }, 1_600)
    expect([await use(4), await use(4), await use(3), await use(0), await use(9)]).toEqual([
      'used',
      'stale',
      'stale',
      'stale',
      'used',
    ])
    const twice = await Promise.all([10, 10].map(use))
    expect(twice.toSorted()).toEqual(['stale', 'used'])
    expect((await store().credentials.find(id))?.counter).toBe(10)
    expect((await acts()).filter((act) => act.startsWith('factor.refused'))).toHaveLength(4)
    expect((await acts()).filter((act) => act.startsWith('factor.signedIn'))).toHaveLength(3)
    const still = await registered(accountId, { counter: 0 })
    const silent = { id: still.id, counter: 0, purpose: 'signIn' } as const
    expect(await store().credentials.use(silent, 1_600)).toBe('used')
    expect(await store().credentials.use(silent, 1_700)).toBe('used')
    expect(await store().credentials.use({ ...silent, id: bytes(20) }, 1_700)).toBe('unknown')
  })

  test('a step-up is remembered for an account that has a second factor, and goes with it', async () => {
    const [ada, bob] = [await enrol(store(), 'Ada'), await enrol(store(), 'Bob')]
    const { id } = await registered(ada.accountId)
    const shown = async (accountId: string): Promise<unknown> => store().credentials.shown(accountId)
    expect([await shown(ada.accountId), await shown(bob.accountId), await shown(randomUUID())]).toEqual([
      { at: null },
      null,
      null,
    ])
    await store().credentials.use({ id, counter: 4, purpose: 'signIn' }, 1_600)
    expect(await shown(ada.accountId)).toEqual({ at: null })
    await store().credentials.use({ id, counter: 5, purpose: 'stepUp' }, 1_700)
    await store().credentials.use({ id, counter: 5, purpose: 'stepUp' }, 1_800)
    await restart()
    expect(await shown(ada.accountId)).toEqual({ at: 1_700 })
    const open = await linked(ada.accountId)
    expect(await store().credentials.remove(ada.accountId, by)).toBe(1)
    expect(await store().credentials.remove(ada.accountId, by)).toBe(0)
    expect(await store().credentials.remove(randomUUID(), by)).toBe(0)
    expect(await store().credentials.linked(open, 1_500)).toBeNull()
    expect(await shown(ada.accountId)).toBeNull()
    expect((await acts()).filter((act) => act.startsWith('factor.removed'))).toHaveLength(1)
    await registered(ada.accountId)
    expect(await shown(ada.accountId)).toEqual({ at: null })
  })

  test('all of it goes with the account', async () => {
    const { accountId } = await enrol(store(), 'Ada')
    const { id } = await registered(accountId)
    await store().credentials.use({ id, counter: 4, purpose: 'stepUp' }, 1_600)
    const open = await linked(accountId)
    await store().people.apply([{ kind: 'remove', accountId }], by)
    expect(await store().credentials.find(id)).toBeNull()
    expect(await store().credentials.linked(open, 1_500)).toBeNull()
    expect(await store().credentials.shown(accountId)).toBeNull()
  })
}
