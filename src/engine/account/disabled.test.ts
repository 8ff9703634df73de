import { expect, it } from 'vitest'
import { setting } from '../testing/setting.ts'
import { until, type Workstation } from '../testing/workstation.ts'

const here = setting()
const { enrolled, fresh } = here

const connection = async (station: Workstation) => (await station.ready()).connection

it('waits while the account is disabled, keeps all it has, and goes on by itself', async () => {
  const [a, b] = [await enrolled('Solène'), await enrolled('Aïssatou')]
  const [toB, toA] = [await a.openConversation(b), await b.openConversation(a)]
  await a.send(toB, 'avant')
  await until(async () => (await b.texts(toA)).length === 1)
  const account = ['--account', await b.accountId()]

  await here.relay.administer(['accounts', 'disable', ...account])
  await until(async () => (await connection(b)).error?.code === 'account.disabled')
  expect(await connection(b)).toMatchObject({ state: 'offline', nextAttemptAt: expect.any(Number) })
  await a.send(toB, 'pendant')
  await b.send(toA, 'plus tard')
  await b.restart()
  await until(async () => (await connection(b)).error?.code === 'account.disabled')
  expect(await b.texts(toA)).toEqual(['avant', 'plus tard'])
  expect(await a.texts(toB)).toEqual(['avant', 'pendant'])

  await here.relay.administer(['accounts', 'enable', ...account])
  await until(async () => (await a.texts(toB)).length === 3 && (await b.texts(toA)).length === 3)
  expect((await b.texts(toA)).toSorted()).toEqual(['avant', 'pendant', 'plus tard'])
  expect((await a.ready()).conversations[0]?.identity).toBe('known')
})

it('a revoked account comes back by a new invitation only, and those who knew it are told', async () => {
  const [a, b] = [await enrolled('Solène'), await enrolled('Aïssatou')]
  const [toB, toA] = [await a.openConversation(b), await b.openConversation(a)]
  await a.send(toB, 'avant')
  await until(async () => (await b.texts(toA)).length === 1)
  const accountId = await b.accountId()
  const first = await here.relay.inviteAgain(accountId)

  await here.relay.administer(['revoke', '--account', accountId])
  await until(async () => (await connection(b)).error?.code === 'relay.deviceGone')
  expect(await b.texts(toA)).toEqual(['avant'])
  const b2 = await fresh()
  await expect(b2.enrol(first)).rejects.toThrow('invitation.unknown')
  await b2.enrol(await here.relay.inviteAgain(accountId), 'NEUF')
  await b2.send(await b2.openConversation(a), 'c’est moi')
  await until(async () => (await a.ready()).conversations[0]?.identity === 'changed')
  expect((await a.thread(toB)).some(({ note }) => note?.kind === 'identityChanged')).toBe(true)
  const shown = (await a.thread(toB)).filter(({ kind }) => kind === 'text')
  expect(shown.map(({ text }) => text)).toEqual(['avant'])
})
