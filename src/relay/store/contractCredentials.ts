import { randomUUID } from 'node:crypto'
import { expect, test } from 'vitest'
import type { Bytes } from '../../base/bytes.ts'
import type { Restart } from './contract.ts'
import { bytes, enrol } from './contractKit.ts'
import { clockSlackMs } from './credentialActs.ts'
import type { NewCredential, StepUpRequest } from './credentialStore.ts'
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

  const ask = async (
    more: Partial<StepUpRequest> & { readonly accountId: string },
    now: number,
  ): Promise<{ readonly request: StepUpRequest; readonly id: Bytes | null }> => {
    const request = { id: bytes(16), deviceId: 1, budget: 'directory', endsAt: now + 300, ...more } as const
    return { request, id: await store().credentials.askStepUp(request, 100, now) }
  }

  test('a step-up opens one limit of one device, once, in its time, until its end', async () => {
    const [ada, bob] = [await enrol(store(), 'Ada'), await enrol(store(), 'Bob')]
    const { accountId } = ada
    const { id } = await registered(accountId)
    const his = await registered(bob.accountId)
    const subject = { accountId, deviceId: 1, budget: 'directory' } as const
    const { credentials } = store()
    expect((await ask({ accountId: (await enrol(store(), 'Cy')).accountId }, 1_600)).id).toBeNull()
    expect(await credentials.stepUp({ ...subject, accountId: randomUUID() }, 1_600)).toBe('none')
    expect(await credentials.stepUp(subject, 1_600)).toBe('shut')

    const first = await ask({ accountId }, 1_600)
    expect(first.id).toEqual(first.request.id)
    // The same one is given out as long as there is time to use it.
    expect((await ask({ accountId }, 1_700)).id).toEqual(first.request.id)
    const both = await Promise.all([1, 2].map(async () => ask({ accountId }, 1_800)))
    const stepUp = both[0]?.id ?? bytes(16)
    expect(both[1]?.id).toEqual(stepUp)
    expect(stepUp).not.toEqual(first.request.id)
    expect(await credentials.askedStepUp(first.request.id, 1_810)).toBeNull()
    expect(await credentials.askedStepUp(stepUp, 1_810)).toEqual({ ...subject, id: stepUp, endsAt: 2_100 })
    expect(await credentials.askedStepUp(stepUp, 1_799)).not.toBeNull()
    expect(await credentials.askedStepUp(stepUp, 1_799 - clockSlackMs)).toBeNull()
    expect(await credentials.askedStepUp(stepUp, 2_100)).toBeNull()
    await restart()

    const use = async (counter: number, now: number, credentialId = id): Promise<string> =>
      store().credentials.use({ id: credentialId, counter, purpose: 'stepUp', stepUp, until: 5_000 }, now)
    expect([await use(5, 2_100), await use(5, 1_900, his.id)]).toEqual(['unknown', 'unknown'])
    await store().credentials.use({ id, counter: 4, purpose: 'signIn' }, 1_900)
    expect(await use(4, 1_900)).toBe('stale')
    expect(await store().credentials.stepUp(subject, 1_900)).toBe('shut')
    expect(await Promise.all([use(5, 1_900), use(6, 1_900)])).toEqual(
      expect.arrayContaining(['used', 'unknown']),
    )
    await restart()
    expect(await store().credentials.stepUp(subject, 1_901)).toBe('open')
    expect((await ask({ accountId }, 1_950)).id).toBeNull()
    expect(await store().credentials.askedStepUp(stepUp, 1_950)).toBeNull()
    for (const other of [{ deviceId: 2 }, { budget: 'searches' as const }, { accountId: bob.accountId }])
      expect(await store().credentials.stepUp({ ...subject, ...other }, 1_901)).toBe('shut')
    // Another process's clock, one that was set back, and the end.
    expect(await store().credentials.stepUp(subject, 1_899)).toBe('open')
    expect(await store().credentials.stepUp(subject, 1_899 - clockSlackMs)).toBe('shut')
    expect((await ask({ accountId }, 1_890)).id).toBeNull()
    expect(await store().credentials.stepUp(subject, 5_000)).toBe('shut')
    expect((await ask({ accountId }, 5_000)).id).not.toBeNull()
    expect((await acts()).filter((act) => act.startsWith('factor.steppedUp'))).toEqual([
      `factor.steppedUp {"account":"${accountId}","by":"${accountId}","detail":"directory: 1"}`,
    ])
  })

  test('what was asked and opened is forgotten at its end, and goes with the second factor', async () => {
    const { accountId } = await enrol(store(), 'Ada')
    const { id } = await registered(accountId)
    const subject = { accountId, deviceId: 1, budget: 'directory' } as const
    const { request } = await ask({ accountId }, 1_600)
    await store().credentials.forgetStepUps(1_899)
    expect(await store().credentials.askedStepUp(request.id, 1_700)).not.toBeNull()
    await store().credentials.forgetStepUps(1_900)
    expect(await store().credentials.askedStepUp(request.id, 1_700)).toBeNull()
    const stepUp = (await ask({ accountId }, 1_600)).request.id
    await store().credentials.use({ id, counter: 5, purpose: 'stepUp', stepUp, until: 9_000 }, 1_700)
    const open = await linked(accountId)
    expect(await store().credentials.remove(accountId, by)).toBe(1)
    expect(await store().credentials.remove(accountId, by)).toBe(0)
    expect(await store().credentials.remove(randomUUID(), by)).toBe(0)
    expect(await store().credentials.linked(open, 1_500)).toBeNull()
    expect(await store().credentials.stepUp(subject, 1_800)).toBe('none')
    expect((await acts()).filter((act) => act.startsWith('factor.removed'))).toHaveLength(1)
    await registered(accountId)
    expect(await store().credentials.stepUp(subject, 1_800)).toBe('shut')
  })

  test('all of it goes with the account', async () => {
    const { accountId } = await enrol(store(), 'Ada')
    const { id } = await registered(accountId)
    const { request } = await ask({ accountId }, 1_600)
    const open = await linked(accountId)
    await store().people.apply([{ kind: 'remove', accountId }], by)
    expect(await store().credentials.find(id)).toBeNull()
    expect(await store().credentials.linked(open, 1_500)).toBeNull()
    expect(await store().credentials.askedStepUp(request.id, 1_700)).toBeNull()
  })
}
