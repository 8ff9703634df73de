import { randomUUID } from 'node:crypto'
import { expect, test } from 'vitest'
import { emptyJournal, verifyRows } from '../../journal/index.ts'
import { limits } from '../../wire/limits.ts'
import type { AccountRole } from '../accounts/standing.ts'
import type { Restart } from './contract.ts'
import { addDevice, bytes, deviceOf, enrol, enrolmentFor, envelope, newDevice, putTo } from './contractKit.ts'
import type { AccountAct, ActContext, ActOutcome, Change, Profile } from './peopleStore.ts'
import type { RelayStore } from './store.ts'

const byRoot: ActContext = { by: { kind: 'operator', name: 'root' }, now: 5_000 }
const inMinistry = { organisation: 'Ministère', service: '', title: '', email: null, identifier: null }

/** Accounts as they are administered, the changes that relays hear of, the journal of acts. */
export function peopleContract(store: () => RelayStore, restart: Restart): void {
  const apply = async (...acts: AccountAct[]): Promise<ActOutcome['kind'][]> =>
    (await store().people.apply(acts, byRoot)).map(({ kind }) => kind)
  const created = async (profile: Partial<Profile>, more: Partial<Creation> = {}): Promise<Creation> => {
    const act = creation({ ...inMinistry, displayName: 'Zoé', ...profile }, more)
    expect(await apply(act)).toEqual(['done'])
    return act
  }
  const named = async (within?: string): Promise<string[]> => {
    const search = { words: [], after: null, except: randomUUID(), counted: true, limit: 50 }
    const page = await store().accounts.search(within === undefined ? search : { ...search, within })
    expect(page.total).toBe(page.entries.length)
    return page.entries.map((entry) => entry.displayName)
  }
  const changesSince = async (id: number): Promise<Omit<Change, 'id'>[]> =>
    (await store().changes.after(id, 100)).map(({ id: _id, ...change }) => change)
  const actsSince = async (seq: number): Promise<unknown[]> =>
    (await store().acts.rows(seq, 100)).map((row) => [row.type, JSON.parse(row.payload ?? '')])

  test('an account is created with its invitation, once, and found by whoever administers', async () => {
    const act = await created(
      { email: 'zoe@a.example', identifier: 'Z1' },
      { role: 'guest', expiresAt: 9_000 },
    )
    const { accountId } = act
    expect(await store().people.find(accountId)).toEqual({
      ...act.profile,
      accountId,
      role: 'guest',
      hidden: false,
      disabled: false,
      expiresAt: 9_000,
      enrolledAt: null,
      devices: 0,
    })
    expect(await store().accounts.find(accountId)).toBeNull()
    const enrolment = enrolmentFor(act.invitation.codeHash)
    expect(await store().invitations.redeem(enrolment)).toMatchObject({ kind: 'enrolled' })
    expect(await store().people.find(accountId)).toMatchObject({ enrolledAt: 1_500, devices: 1 })
    expect(await store().devices.find(accountId, 1)).toMatchObject({
      standing: { role: 'guest', disabled: false, expiresAt: 9_000 },
    })
    const again = (profile: Partial<Profile>): Creation =>
      creation({ ...inMinistry, displayName: 'Y', ...profile })
    expect(await apply(again({ email: 'zoe@a.example' }))).toEqual(['taken'])
    expect(await apply(again({ identifier: 'Z1' }))).toEqual(['taken'])
    expect(await apply({ ...act, invitation: again({}).invitation })).toEqual(['taken'])
  })

  test('acts are done together or not at all', async () => {
    const ada = await enrol(store(), 'Ada')
    const before = await store().changes.newest()
    const good = creation({ ...inMinistry, displayName: 'Y' })
    const disable = { kind: 'disable', accountId: ada.accountId } as const
    const outcomes = await apply(good, disable, { kind: 'enable', accountId: randomUUID() })
    expect(outcomes).toEqual(['done', 'done', 'unknown'])
    expect(await store().people.find(good.accountId)).toBeNull()
    expect(await store().people.find(ada.accountId)).toMatchObject({ disabled: false })
    expect(await changesSince(before)).toEqual([])
    expect(await store().acts.state()).toEqual(emptyJournal)
    expect(await named()).toEqual(['Ada'])
    expect(await apply(good, disable, disable)).toEqual(['done', 'done', 'unchanged'])
  })

  test('a later act sees what an earlier one did', async () => {
    const [one, two] = [1, 2].map((n) =>
      creation({ ...inMinistry, displayName: `P${n}`, email: `p${n}@a.example`, identifier: `${n}` }),
    )
    if (one === undefined || two === undefined) throw new Error('two creations')
    const { accountId } = one
    const same = creation({ ...inMinistry, displayName: 'Y', email: 'p1@a.example' })
    expect(await apply(one, two, same)).toEqual(['done', 'done', 'taken'])
    expect(await store().people.page(null, 9, null)).toEqual([])
    const profile = { ...one.profile, email: 'new@a.example' }
    const outcomes = await apply(
      one,
      { kind: 'disable', accountId },
      two,
      { kind: 'profile', accountId, profile },
      { kind: 'hide', accountId: two.accountId, hidden: true },
      { kind: 'remove', accountId: two.accountId },
    )
    expect(outcomes).toEqual(Array.from({ length: 6 }, () => 'done'))
    expect(await store().people.page(null, 9, null)).toMatchObject([
      { accountId, email: 'new@a.example', disabled: true, hidden: false, expiresAt: null },
    ])
    expect(await store().invitations.find(one.invitation.codeHash)).toMatchObject({ expiresAt: 1e12 })
  })

  test('the directory shows neither hidden nor disabled accounts, nor a person’s former words', async () => {
    const [ada, bea] = [await enrol(store(), 'Ada'), await enrol(store(), 'Béa')]
    expect(await named()).toEqual(['Ada', 'Béa'])
    await apply({ kind: 'hide', accountId: ada.accountId, hidden: true })
    expect(await named()).toEqual(['Béa'])
    expect(await store().accounts.find(ada.accountId)).toMatchObject({ displayName: 'Ada' })
    await apply({ kind: 'disable', accountId: bea.accountId })
    expect(await named()).toEqual([])
    await apply(
      { kind: 'hide', accountId: ada.accountId, hidden: false },
      { kind: 'enable', accountId: bea.accountId },
      { kind: 'profile', accountId: bea.accountId, profile: { ...inMinistry, displayName: 'Aude' } },
    )
    expect(await named()).toEqual(['Ada', 'Aude'])
    const search = { after: null, except: ada.accountId, counted: true, limit: 50 }
    expect(await store().accounts.search({ ...search, words: ['bea'] })).toMatchObject({ total: 0 })
    expect(await store().accounts.search({ ...search, words: ['aude', 'min'] })).toMatchObject({ total: 1 })
  })

  test('an organisation holds those under it, and none that only begins like it', async () => {
    for (const organisation of ['A', 'A / B', 'A / B / C', 'A / Bis', 'A!', 'A / '])
      await created({ organisation, displayName: organisation })
    const within = async (whole: string | null): Promise<string[]> =>
      (await store().people.page(null, 100, whole)).map((each) => each.displayName).toSorted()
    expect(await within('A / B')).toEqual(['A / B', 'A / B / C'])
    expect(await within('A')).toEqual(['A', 'A / ', 'A / B', 'A / B / C', 'A / Bis'])
    expect(await within(null)).toHaveLength(6)
    const [first, ...rest] = await store().people.page(null, 100, null)
    expect(await store().people.page(first?.accountId ?? null, 3, null)).toEqual(rest.slice(0, 3))
  })

  test('a search within an organisation finds, pages and counts those alone', async () => {
    for (const organisation of ['A', 'A / B', 'A / B / C', 'A / Bis', 'B'])
      await redeemed(store(), await created({ organisation, displayName: `in ${organisation}` }))
    expect(await named('A / B')).toEqual(['in A / B', 'in A / B / C'])
    const search = { words: ['in', 'b'], except: randomUUID(), counted: true, limit: 1, within: 'A' }
    const one = await store().accounts.search({ ...search, after: null })
    expect([one.entries[0]?.displayName, one.total, one.more]).toEqual(['in A / B', 3, true])
    const after = one.entries[0]?.accountId ?? null
    const two = await store().accounts.search({ ...search, after })
    expect(two.entries[0]?.displayName).toBe('in A / B / C')
  })

  test('who is disabled enrols and links nothing; what waits for them stays', async () => {
    const ada = await enrol(store(), 'Ada')
    const codeHash = bytes(32)
    const terms = { codeHash, createdAt: 1, expiresAt: 1e12 }
    await apply(
      { kind: 'disable', accountId: ada.accountId },
      { kind: 'invite', accountId: ada.accountId, invitation: terms },
    )
    expect(await store().invitations.redeem(enrolmentFor(codeHash))).toEqual({ kind: 'disabled' })
    expect(await store().devices.add(newDevice(ada, 2))).toEqual({
      kind: 'unknown',
    })
    expect(await store().devices.find(ada.accountId, 1)).toMatchObject({ standing: { disabled: true } })
    const [put] = await store().queues.commit({ puts: [putTo(ada, [envelope(1)])], deletes: [], now: 1 })
    expect(put).toMatchObject({ kind: 'stored' })
    expect(await apply({ kind: 'enable', accountId: ada.accountId })).toEqual(['done'])
    expect(await store().queues.page(ada.device, 0, 9, 1e6)).toHaveLength(1)
    expect(await store().invitations.redeem(enrolmentFor(codeHash))).toMatchObject({ kind: 'enrolled' })
  })

  test('a guest has one device, and a time that ends', async () => {
    const guest = await created({}, { role: 'guest', expiresAt: 9_000 })
    const late = { ...enrolmentFor(guest.invitation.codeHash), now: 9_000 }
    expect(await store().invitations.redeem(late)).toEqual({ kind: 'disabled' })
    const identityKey = await redeemed(store(), guest)
    const device = newDevice(
      { accountId: guest.accountId, identityKey, device: await deviceOf(store(), guest.accountId, 1) },
      2,
    )
    expect(await store().devices.add(device)).toEqual({ kind: 'limit' })
    expect(await store().people.expired(8_999)).toEqual([])
    expect(await store().people.expired(9_000)).toEqual([guest.accountId])
    await apply({ kind: 'disable', accountId: guest.accountId })
    expect(await store().people.expired(9_000)).toEqual([])
    const role = { kind: 'role', accountId: guest.accountId, role: 'member', expiresAt: null } as const
    expect(await apply(role, role, { kind: 'enable', accountId: guest.accountId })).toEqual([
      'done',
      'unchanged',
      'done',
    ])
    expect(await store().devices.add(device)).toMatchObject({ kind: 'added' })
  })

  test('ended devices go with their queues and with invitations that are open', async () => {
    const ada = await enrol(store(), 'Ada')
    const second = await addDevice(store(), ada, 2)
    const codeHash = bytes(32)
    const terms = { codeHash, createdAt: 1, expiresAt: 1e12 }
    await apply({ kind: 'invite', accountId: ada.accountId, invitation: terms })
    await store().queues.commit({ puts: [putTo(ada, [envelope(1), envelope(2)])], deletes: [], now: 1 })
    const before = await store().changes.newest()
    const end = { kind: 'endDevice', accountId: ada.accountId } as const
    expect(await apply({ ...end, deviceId: 2 })).toEqual(['done'])
    expect(await apply({ ...end, deviceId: 2 })).toEqual(['unknown'])
    const all = { kind: 'endDevices', accountId: ada.accountId } as const
    expect(await apply(all, all)).toEqual(['done', 'unchanged'])
    expect(await store().devices.list(ada.accountId)).toMatchObject({ devices: [] })
    expect(await store().invitations.find(codeHash)).toBeNull()
    expect(await store().queues.page(ada.device, 0, 9, 1e6)).toEqual([])
    const revision = (await store().devices.list(ada.accountId))?.revision ?? 0
    expect(await changesSince(before)).toEqual([
      { kind: 'deviceEnded', device: second },
      { kind: 'devicesChanged', accountId: ada.accountId, revision: revision - 1 },
      { kind: 'deviceEnded', device: ada.device },
      { kind: 'devicesChanged', accountId: ada.accountId, revision },
    ])
  })

  test('an invitation that is open ends when its account is given rights over others', async () => {
    const ada = await enrol(store(), 'Ada')
    const codeHash = bytes(32)
    const terms = { codeHash, createdAt: 1, expiresAt: 1e12 }
    const to = (role: AccountRole): AccountAct => ({
      kind: 'role',
      accountId: ada.accountId,
      role,
      expiresAt: null,
    })
    await apply({ kind: 'invite', accountId: ada.accountId, invitation: terms }, to('guest'), to('member'))
    expect(await store().invitations.find(codeHash)).not.toBeNull()
    expect(await apply(to('auditor'))).toEqual(['done'])
    expect(await store().invitations.find(codeHash)).toBeNull()
  })

  test('whoever ends a device or disables an account, it is among the changes, without gaps', async () => {
    const ada = await enrol(store(), 'Ada')
    const second = await addDevice(store(), ada, 2)
    const start = await store().changes.newest()
    await store().devices.remove(ada.accountId, 2)
    await apply({ kind: 'disable', accountId: ada.accountId })
    await restart()
    expect(await changesSince(start)).toEqual([
      { kind: 'deviceEnded', device: second },
      expect.objectContaining({ kind: 'devicesChanged' }),
      { kind: 'accountDisabled', accountId: ada.accountId },
    ])
    expect((await store().changes.after(start, 2)).map(({ id }) => id)).toEqual([start + 1, start + 2])
    await store().changes.prune(60_000)
    expect(await store().changes.after(start, 9)).toHaveLength(3)
    await store().changes.prune(-60_000)
    const left = await store().changes.after(0, 9)
    expect(left.map(({ id }) => id)).toEqual([start + 3])
    expect(JSON.stringify(left)).not.toContain(ada.accountId)
    await apply({ kind: 'enable', accountId: ada.accountId }, { kind: 'disable', accountId: ada.accountId })
    expect((await store().changes.after(start + 3, 9)).map(({ id }) => id)).toEqual([start + 4])
  })

  test('a removed account leaves nothing but its proof', async () => {
    const ada = await enrol(store(), 'Ada')
    await store().queues.commit({ puts: [putTo(ada, [envelope(1)])], deletes: [], now: 1 })
    const before = await store().changes.newest()
    expect(await apply({ kind: 'remove', accountId: ada.accountId })).toEqual(['done'])
    await store().people.forget()
    expect(await store().people.find(ada.accountId)).toBeNull()
    expect(await store().accounts.find(ada.accountId)).toBeNull()
    expect(await store().devices.list(ada.accountId)).toBeNull()
    expect(await named()).toEqual([])
    expect(await store().queues.page(ada.device, 0, 9, 1e6)).toEqual([])
    expect(await changesSince(before)).toEqual([{ kind: 'deviceEnded', device: ada.device }])
    expect(await actsSince(0)).toEqual([['account.removed', { by: 'root', account: ada.accountId }]])
    // Its number among the accounts may come back: no word of Ada's leads to the next one.
    await enrol(store(), 'Béa')
    const search = { words: ['ada'], after: null, except: randomUUID(), counted: true, limit: 50 }
    expect(await store().accounts.search(search)).toMatchObject({ entries: [], total: 0 })
  })

  test('every act is in the journal, in order, and a row that was altered shows', async () => {
    const ada = await enrol(store(), 'Ada')
    const { accountId } = ada
    await apply(
      { kind: 'hide', accountId, hidden: true },
      { kind: 'hide', accountId, hidden: true },
      { kind: 'role', accountId, role: 'auditor', expiresAt: null },
      { kind: 'domain', domain: 'a.example', allowed: true },
    )
    await restart()
    await store().acts.append({ type: 'certificate.renewed' }, byRoot)
    expect(await actsSince(0)).toEqual([
      ['account.hidden', { by: 'root', account: accountId }],
      ['account.role', { by: 'root', account: accountId, detail: 'auditor' }],
      ['domain.allowed', { by: 'root', detail: 'a.example' }],
      ['certificate.renewed', { by: 'root' }],
    ])
    const rows = await store().acts.rows(0, 100)
    expect(rows.map((row) => [row.seq, row.time, row.actor])).toEqual(
      [0, 1, 2, 3].map((seq) => [seq, 5_000, 'operator']),
    )
    const state = await store().acts.state()
    expect(verifyRows(rows, state, emptyJournal)).toEqual([])
    const altered = rows.map((row) => (row.seq === 1 ? { ...row, time: 4_999 } : row))
    expect(verifyRows(altered, state, emptyJournal)).not.toEqual([])
    expect(verifyRows(rows.slice(0, 3), state, emptyJournal)).not.toEqual([])
    expect(await store().acts.rows(3, 100)).toEqual(rows.slice(3))
    expect(await store().people.domains()).toEqual(['a.example'])
  })

  test('what one person asks for another one allows, within the time, once', async () => {
    const who = (name: string, now = 1_000): ActContext => ({ by: { kind: 'operator', name }, now })
    const codeHash = bytes(32)
    const { approvals } = store()
    await approvals.ask({ codeHash, what: 'accounts', expiresAt: 2_000 }, who('anna'))
    expect(await approvals.use(codeHash, who('anna'))).toBe('notApproved')
    expect(await approvals.approve(codeHash, who('anna'))).toBe('samePerson')
    expect(await approvals.approve(bytes(32), who('bert'))).toBe('unknown')
    expect(await approvals.approve(codeHash, who('bert'))).toBe('approved')
    expect(await approvals.use(codeHash, who('bert'))).toBe('unknown')
    expect(await approvals.use(codeHash, who('anna'))).toBe('used')
    expect(await approvals.use(codeHash, who('anna'))).toBe('unknown')
    await approvals.ask({ codeHash, what: 'accounts', expiresAt: 2_000 }, who('anna'))
    expect(await approvals.approve(codeHash, who('bert', 2_000))).toBe('unknown')
    expect((await actsSince(0)).map((entry) => JSON.stringify(entry))).toEqual(
      ['asked', 'approved', 'made', 'asked'].map((word, index) =>
        JSON.stringify([`read.${word}`, { by: index === 1 ? 'bert' : 'anna', detail: 'accounts' }]),
      ),
    )
  })

  test('a member may have as many devices as before', async () => {
    const ada = await enrol(store(), 'Ada')
    for (let id = 2; id <= limits.devicesPerAccount; id += 1) await addDevice(store(), ada, id)
    expect(await store().people.find(ada.accountId)).toMatchObject({ devices: limits.devicesPerAccount })
  })
}

type Creation = Extract<AccountAct, { kind: 'create' }>

function creation(profile: Profile, more: Partial<Creation> = {}): Creation {
  const invitation = { codeHash: bytes(32), createdAt: 1, expiresAt: 1e12 }
  const usual = { role: 'member', expiresAt: null, hidden: false, invitation } as const
  return { kind: 'create', accountId: randomUUID(), profile, ...usual, ...more }
}

/** The identity key that it was enrolled with. */
async function redeemed(store: RelayStore, act: Creation): Promise<ReturnType<typeof bytes>> {
  const enrolment = enrolmentFor(act.invitation.codeHash)
  expect(await store.invitations.redeem(enrolment)).toMatchObject({ kind: 'enrolled' })
  return enrolment.identityKey
}
