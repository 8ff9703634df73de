import { expect, it } from 'vitest'
import { setting } from '../testing/setting.ts'
import { until, type Workstation } from '../testing/workstation.ts'

const here = setting()
const { enrolled, fresh } = here

/** The same account on a new machine, after its only device was lost. */
async function reinstalled(lost: Workstation): Promise<Workstation> {
  const accountId = await lost.accountId()
  await lost.engine.stop()
  const station = await fresh()
  await station.enrol(await here.relay.inviteAgain(accountId), 'NEUF')
  return station
}

const shown = async (station: Workstation, conversationId: string): Promise<string[]> =>
  (await station.thread(conversationId)).filter(({ kind }) => kind === 'text').map(({ text }) => text)

it('holds a changed identity in both directions until the person decides, and then loses nothing', async () => {
  const [a, b] = [await enrolled('Solène'), await enrolled('Aïssatou')]
  const [toB, toA] = [await a.openConversation(b), await b.openConversation(a)]
  await a.send(toB, 'avant')
  await until(async () => (await b.texts(toA)).length === 1)
  await a.ask('conversation.draft', { conversationId: toB, text: 'un brouillon' })
  const before = (await a.ask('identity.safetyNumber', { accountId: toB })).groups

  const b2 = await reinstalled(b)
  const again = await b2.openConversation(a)
  await b2.send(again, 'c’est moi')
  await b2.send(again, 'vraiment')
  await until(async () => (await a.ready()).conversations[0]?.held === 2)
  await a.send(toB, 'tu es là ?')
  const standing = async () => (await a.ready()).conversations[0]
  expect(await standing()).toMatchObject({ identity: 'changed', draft: '', held: 2 })
  await a.ask('conversation.draft', { conversationId: toB, text: 'un autre brouillon' })
  expect(await shown(a, toB)).toEqual(['avant', 'tu es là ?'])
  expect((await a.thread(toB)).filter(({ note }) => note?.kind === 'identityChanged')).toHaveLength(1)
  expect(await shown(b2, again)).toEqual(['c’est moi', 'vraiment'])

  const { groups, pending } = await a.ask('identity.safetyNumber', { accountId: toB })
  expect(pending).toBe(true)
  expect(groups).not.toEqual(before)
  expect(groups).toEqual((await b2.ask('identity.safetyNumber', { accountId: toA })).groups)
  expect(await a.refusal('identity.accept', { accountId: toB, groups: before })).toBe('identity.superseded')
  expect((await standing())?.identity).toBe('changed')
  await a.ask('identity.accept', { accountId: toB, groups })
  await until(async () => (await shown(a, toB)).length === 4)
  expect(await shown(a, toB)).toEqual(['avant', 'tu es là ?', 'c’est moi', 'vraiment'])
  await until(async () => (await shown(b2, again)).includes('tu es là ?'))
  expect(await standing()).toMatchObject({ identity: 'known', held: 0, draft: 'un autre brouillon' })
  expect(await a.refusal('identity.accept', { accountId: toB, groups })).toBe('identity.notPending')
  expect((await a.thread(toB)).filter(({ kind }) => kind === 'undecryptable')).toEqual([])
})

it('begins a conversation for what waits, so that somebody can decide', async () => {
  const [a, b] = [await enrolled('Solène'), await enrolled('Aïssatou')]
  const [toB, toA] = [await a.openConversation(b), await b.openConversation(a)]
  await a.send(toB, 'avant')
  await until(async () => (await b.texts(toA)).length === 1)
  // A receipt or a bundle makes an identity known before there is any conversation.
  await a.inVault((vault) =>
    vault.transaction((tx) => {
      for (const table of ['message', 'conversation_setting', 'conversation'])
        tx.run(`DELETE FROM ${table} WHERE conversation_id = ?`, [toB])
    }),
  )
  const b2 = await reinstalled(b)
  await b2.send(await b2.openConversation(a), 'c’est moi')
  const standing = async () => (await a.ready()).conversations[0]
  await until(async () => (await standing())?.identity === 'changed')
  expect(await standing()).toMatchObject({ conversationId: toB, standing: 'request', held: 1 })
  expect((await a.thread(toB)).map(({ note }) => note?.kind)).toEqual(['identityChanged'])
  const { groups } = await a.ask('identity.safetyNumber', { accountId: toB })
  await a.ask('identity.accept', { accountId: toB, groups })
  await until(async () => (await a.texts(toB)).includes('c’est moi'))
  expect(await standing()).toMatchObject({ identity: 'known', held: 0 })
})

it('takes only the key whose number was seen, and compares a scanned code by itself', async () => {
  const [a, b] = [await enrolled('Solène'), await enrolled('Aïssatou')]
  const [toB, toA] = [await a.openConversation(b), await b.openConversation(a)]
  await a.send(toB, 'avant')
  await until(async () => (await b.texts(toA)).length === 1)
  const b2 = await reinstalled(b)
  await b2.send(await b2.openConversation(a), 'un')
  await until(async () => (await a.ready()).conversations[0]?.identity === 'changed')
  const seen = (await a.ask('identity.safetyNumber', { accountId: toB })).groups
  const b3 = await reinstalled(b2)
  await b3.send(await b3.openConversation(a), 'deux')
  await until(async () => (await a.ready()).conversations[0]?.held === 2)
  expect(await a.refusal('identity.accept', { accountId: toB, groups: seen })).toBe('identity.superseded')
  expect(await shown(a, toB)).toEqual(['avant'])

  const scanned = (await b3.ask('identity.safetyNumber', { accountId: toA })).scannable
  const own = (await a.ask('identity.safetyNumber', { accountId: toB })).scannable
  const { groups } = await a.ask('identity.safetyNumber', { accountId: toB })
  const verify = { accountId: toB, verified: true, groups }
  expect(await a.refusal('identity.verify', { ...verify, groups: seen, scanned })).toBe('identity.superseded')
  expect(await a.refusal('identity.verify', { ...verify, scanned: own })).toBe('identity.mismatch')
  expect(await a.refusal('identity.verify', { ...verify, verified: false })).toBe('identity.superseded')
  expect((await a.ready()).conversations[0]?.identity).toBe('changed')
  await a.ask('identity.verify', { ...verify, scanned })
  expect((await a.ready()).conversations[0]?.identity).toBe('verified')
  // One decision is one line in the thread, and says what was compared.
  const notes = (await a.thread(toB)).flatMap(({ note }) => (note?.kind === 'identityAccepted' ? [note] : []))
  expect(notes).toEqual([{ kind: 'identityAccepted', verified: true }])
  // What came under the key in between was never accepted, and stays unread.
  await until(async () => (await shown(a, toB)).includes('deux'))
  expect(await shown(a, toB)).toEqual(['avant', 'deux'])
  await a.ask('identity.verify', { accountId: toB, verified: false, groups })
  expect((await a.ready()).conversations[0]?.identity).toBe('known')
})
