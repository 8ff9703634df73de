import { expect, it } from 'vitest'
import type { Vault } from '../storage/vault.ts'
import { setting } from './testing/setting.ts'
import { until, type Workstation } from './testing/workstation.ts'

const { enrolled } = setting()

/** As a vault that has lost its memory of all sessions, live and retired. */
function forgetSessions(vault: Vault): void {
  vault.transaction((tx) => {
    tx.run('DELETE FROM session')
    tx.run('DELETE FROM retired_session')
  })
}

async function talking(): Promise<{ a: Workstation; b: Workstation; toA: string; toB: string }> {
  const [a, b] = [await enrolled('Solène'), await enrolled('Aïssatou')]
  const [toB, toA] = [await a.openConversation(b), await b.openConversation(a)]
  await a.send(toB, 'bonjour')
  await until(async () => (await b.texts(toA)).length === 1)
  await b.send(toA, 'bonjour à vous')
  await until(async () => (await a.texts(toB)).length === 2)
  return { a, b, toA, toB }
}

it('asks again for what it cannot read, and shows it in its place', async () => {
  const { a, b, toA, toB } = await talking()
  await b.inVault(forgetSessions)
  for (const text of ['un', 'deux', 'trois']) await a.send(toB, text)
  await until(async () => (await b.texts(toA)).includes('trois'))
  await until(async () => (await b.thread(toA)).every(({ kind }) => kind === 'text'))
  expect(await b.texts(toA)).toEqual(['bonjour', 'bonjour à vous', 'un', 'deux', 'trois'])
  await until(async () => (await a.thread(toB)).at(-1)?.delivery === 'delivered')
  await b.send(toA, 'tout est là')
  await until(async () => (await a.texts(toB)).includes('tout est là'))
}, 150_000)

it('leaves the mark of a message that its sender has no more, and goes on', async () => {
  const { a, b, toA, toB } = await talking()
  await b.engine.stop()
  await a.send(toB, 'perdu')
  await until(async () => (await a.thread(toB)).at(-1)?.delivery === 'sent')
  await a.inVault((vault) => vault.transaction((tx) => tx.run('DELETE FROM resend')))
  await b.inVault(forgetSessions)
  await until(async () => (await b.thread(toA)).some(({ kind }) => kind === 'undecryptable'))
  await a.send(toB, 'après')
  await until(async () => (await b.texts(toA)).includes('après'))
  expect((await b.thread(toA)).filter(({ kind }) => kind === 'undecryptable')).toHaveLength(1)
}, 150_000)

it('comes to rest when two never understand each other', async () => {
  const { a, b, toA, toB } = await talking()
  for (let round = 0; round < 4; round += 1) {
    await b.inVault(forgetSessions)
    await a.send(toB, `tour ${round}`)
    await until(async () => (await b.texts(toA)).includes(`tour ${round}`))
  }
  const asked = await b.inVault((vault) =>
    vault.sql.all<{ count: number }>(`SELECT count FROM retry_request WHERE direction = 'asked'`),
  )
  expect(Math.max(...asked.map(({ count }) => count))).toBeLessThanOrEqual(5)
  expect((await b.thread(toA)).filter(({ kind }) => kind === 'undecryptable')).toEqual([])
}, 150_000)
