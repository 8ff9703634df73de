import { expect, it } from 'vitest'
import type { Bytes } from '../../base/bytes.ts'
import { decodeContent, encodeContent } from '../../content/content.ts'
import { plainText } from '../../content/text.ts'
import { retryReference } from '../../protocol/retry.ts'
import { insertJob, storeCiphertexts } from '../../storage/repositories/outbox.ts'
import { testAccountRecord, testVault } from '../../storage/testkit.ts'
import type { Vault } from '../../storage/vault.ts'
import { Posting } from '../sending/posting.ts'
import { Retries } from './retries.ts'
import { Self } from '../account/self.ts'
import { setting } from '../testing/setting.ts'
import { until, type Workstation } from '../testing/workstation.ts'

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
})

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
})

/** The next two sessions with this device begin by keys that it has not. */
function forgetTwoKeys(vault: Vault): void {
  const next = 'SELECT key_id FROM pre_key ORDER BY key_id LIMIT 2'
  vault.transaction((tx) => tx.run(`DELETE FROM pre_key WHERE key_id IN (${next})`))
}

it('leaves one mark where what was sent again cannot be read either, and none in the end', async () => {
  const { a, b, toA, toB } = await talking()
  const marks = async () => (await b.thread(toA)).filter(({ kind }) => kind === 'undecryptable').length
  const refusedTimes = async (code: string) => (await b.refused()).filter((one) => one === code).length
  await b.inVault(forgetSessions)
  await b.engine.stop()
  await a.send(toB, 'illisible')
  await until(async () => (await a.thread(toB)).at(-1)?.delivery === 'sent')
  await b.inVault(forgetTwoKeys)
  await until(async () => (await b.texts(toA)).includes('illisible'))
  expect(await refusedTimes('envelope.unknownPreKey')).toBe(2)
  expect(await marks()).toBe(0)
})

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
})

it('sends again what has left and was not written off, for its process may have been killed', () => {
  const kit = testVault()
  const accountId = '00000000-0000-4000-8000-00000000000a'
  const self = new Self(kit.sql, { ...testAccountRecord, accountId })
  const clock = { now: () => 1_000 }
  const retries = new Retries({ vault: kit.vault, posting: new Posting(self, clock), self, clock })
  const [envelopeId, messageId] = [new Uint8Array(16).fill(7), new Uint8Array(16).fill(9)]
  const body = { kind: 'text', ...plainText('en chemin') } as const
  const content = encodeContent({ messageId, sentAt: 1, profileKey: null, resentEnvelopeId: null, body })
  const again = (deviceId: number, reference: number): unknown[] => {
    const sender = { accountId, deviceId }
    const request = { kind: 'retryRequest', sender, reference, ratchetKeyMatches: false } as const
    kit.write((tx) => retries.answer(tx, request))
    return kit.sql.all("SELECT only_device AS device FROM outbox WHERE kind = 'resend'")
  }
  kit.write((tx) => {
    const job = { lane: 'x', destination: accountId, kind: 'sync', messagePosition: null } as const
    const jobId = insertJob(tx, { ...job, content, createdAt: 1, onlyDevice: 2 })
    storeCiphertexts(tx, jobId, [
      { deviceId: 2, registrationId: 1, envelopeId, type: 2, ciphertext: Buffer.alloc(1) },
    ])
  })
  const reference = retryReference(envelopeId)
  expect([again(3, reference), again(2, reference + 1)]).toEqual([[], []])
  expect(again(2, reference)).toEqual([{ device: 2 }])
  const resent = kit.sql.get<{ content: Bytes }>("SELECT content FROM outbox WHERE kind = 'resend'")
  expect(resent && decodeContent(resent.content)).toMatchObject({ messageId, resentEnvelopeId: envelopeId })
  kit.remove()
})
