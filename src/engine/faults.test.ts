import { beforeAll, describe, expect, it } from 'vitest'
import { CodedError, type ErrorCode } from '../base/errors.ts'
import { countQuarantined } from '../storage/repositories/quarantine.ts'
import type { CrashPoint } from './crashPoints.ts'
import { Engine } from './engine.ts'
import { nextAttempt } from './receiving/quarantine.ts'
import { setting } from './testing/setting.ts'
import { until, type Workstation } from './testing/workstation.ts'

const here = setting()
const { enrolled, lasting } = here

/** From its next start on, reaching the point fails as a full disk or a defect would, a few times. */
function failAt(
  station: Workstation,
  point: CrashPoint,
  code: ErrorCode | 'defect',
  times: number,
): () => number {
  let failed = 0
  station.makeHost = (options, keyStore, clock) => {
    const host = new Engine(options, keyStore, clock, (reached) => {
      if (reached !== point || failed >= times) return
      failed += 1
      throw code === 'defect' ? new TypeError('a defect') : new CodedError(code)
    })
    return { host, start: () => host.start(), exited: new Promise(() => undefined) }
  }
  return () => failed
}

const receiving = ['receive.decrypted', 'receive.committed'] as const
const sending = ['send.encrypted', 'send.committed', 'send.sealed', 'send.stored'] as const
const points = [...receiving, ...sending] as const
const texts = Array.from({ length: 8 }, (_, n) => `message ${n}`)

describe('goes on by itself, without a loss or a double', () => {
  const victims = new Map<CrashPoint, Workstation>()
  let peer: Workstation

  beforeAll(async () => {
    peer = await lasting('B')
    for (const point of points) victims.set(point, await lasting(point))
  })

  it.each(['vault.diskFull', 'defect'] as const)('after %s, at each point', async (code) => {
    await Promise.all(
      [...victims].map(async ([point, victim]) => {
        const failed = failAt(victim, point, code, 2)
        await victim.restart()
        const [there, here] = [await victim.openConversation(peer), await peer.openConversation(victim)]
        const sends = sending.some((one) => one === point)
        const [from, to, outgoing, incoming] = sends
          ? [victim, peer, there, here]
          : [peer, victim, here, there]
        const before = await to.texts(incoming)
        for (const text of texts) await from.send(outgoing, `${code} ${text}`)
        const all = [...before, ...texts.map((text) => `${code} ${text}`)]
        await until(async () => (await to.texts(incoming)).length >= all.length)
        await until(async () => (await victim.ready()).connection.queued === 0)
        expect(await to.texts(incoming)).toEqual(all)
        const kinds = (await to.thread(incoming)).map((message) => message.kind)
        expect(kinds).toEqual(all.map(() => 'text'))
        const deliveries = (await from.thread(outgoing)).map((message) => message.delivery)
        expect(deliveries).not.toContain('failed')
        expect(failed()).toBe(2)
      }),
    )
  })
})

it('sets aside what a defect meets again and again, and reads it once the defect is gone', async () => {
  const [a, b] = [await enrolled('A'), await enrolled('B')]
  const [toB, toA] = [await a.openConversation(b), await b.openConversation(a)]
  const failed = failAt(b, 'receive.decrypted', 'defect', 3)
  await b.restart()
  await a.send(toB, 'attend')
  await until(async () => (await b.ready()).connection.state === 'online' && failed() === 3)
  await a.send(toB, 'arrive')
  await until(async () => (await b.texts(toA)).includes('arrive'))
  expect(await b.refused()).toEqual(['internal'])
  const due = 'UPDATE quarantine SET next_attempt_at = 1 WHERE next_attempt_at > 1'
  const waited = await b.inVault((vault) => vault.transaction((tx) => tx.run(due, []).changes))
  expect(waited).toBe(1)
  await until(async () => (await b.texts(toA)).length === 2)
  // Nobody could say whose it was, so no mark kept its place.
  expect(await b.texts(toA)).toEqual(['arrive', 'attend'])
  expect(await b.peek(countQuarantined)).toBe(0)
  await until(async () => (await a.thread(toB)).every(({ delivery }) => delivery === 'delivered'))
})

it('tries a defect four times more, and nothing else by itself', () => {
  const waits = [1, 2, 3, 4, 5].map((attempts) => nextAttempt('internal', attempts, 1_000))
  expect(waits).toEqual([21_601_000, 86_401_000, 604_801_000, 2_592_001_000, null])
  expect(nextAttempt('envelope.undecryptable', 1, 1_000)).toBeNull()
})

it('sends everything for an account in the order of its ratchet: messages and receipts in one lane', async () => {
  const [a, b] = [await enrolled('A'), await enrolled('B')]
  const [toB, toA] = [await a.openConversation(b), await b.openConversation(a)]
  failAt(b, 'send.encrypted', 'vault.diskFull', Number.POSITIVE_INFINITY)
  await b.restart()
  await a.send(toB, 'question')
  await until(async () => (await b.texts(toA)).length === 1)
  await b.send(toA, 'réponse')
  const jobs = await b.inVault((vault) => vault.sql.all('SELECT lane, kind FROM outbox ORDER BY job_id'))
  expect(jobs).toEqual([
    { lane: toA, kind: 'receipt' },
    { lane: toA, kind: 'readReceipt' },
    { lane: toA, kind: 'message' },
  ])
})

it('fails a job alone that is not what its kind demands, and sends what is behind it', async () => {
  const [a, b] = [await enrolled('A'), await enrolled('B')]
  const [toB, toA] = [await a.openConversation(b), await b.openConversation(a)]
  await here.relay.kill()
  for (const text of ['un', 'deux', 'trois']) await a.send(toB, text)
  const damaged = await a.inVault((vault) =>
    vault.transaction((tx) => {
      tx.run(
        `INSERT INTO outbox (lane, destination, kind, content, created_at) VALUES (?, ?, 'pigeon', x'00', 1)`,
        [toB, toB],
      )
      return tx.run(
        `UPDATE outbox SET content = x'ff' WHERE message_position =
           (SELECT position FROM message WHERE text = 'deux')`,
        [],
      ).changes
    }),
  )
  expect(damaged).toBe(1)
  await a.send(toB, 'quatre')
  await here.relay.up()
  await until(async () => (await b.texts(toA)).length === 3)
  expect(await b.texts(toA)).toEqual(['un', 'trois', 'quatre'])
  const failed = (await a.thread(toB)).filter(({ delivery }) => delivery === 'failed')
  expect(failed).toEqual([
    expect.objectContaining({ text: 'deux', error: { code: 'internal', details: {} } }),
  ])
  await until(async () => (await a.ready()).connection.queued === 0)
})

it('says in the thread what was done to a message and will never reach the other side', async () => {
  const [a, b] = [await enrolled('A'), await enrolled('B')]
  const [toB, toA] = [await a.openConversation(b), await b.openConversation(a)]
  await a.send(toB, 'avant')
  await until(async () => (await a.thread(toB))[0]?.delivery === 'delivered')
  await here.relay.kill()
  const { messageId = '' } = (await a.thread(toB))[0] ?? {}
  await a.ask('message.edit', { messageId, text: 'après' })
  await a.ask('conversation.timer', { conversationId: toB, seconds: 3_600 })
  const spoil = `UPDATE outbox SET content = x'ff' WHERE kind = 'edit'`
  expect(await a.inVault((vault) => vault.transaction((tx) => tx.run(spoil, []).changes))).toBe(1)
  await here.relay.up()
  const notes = async (): Promise<unknown[]> => (await a.thread(toB)).flatMap(({ note }) => note ?? [])
  await until(async () => (await notes()).length === 2)
  expect(await notes()).toEqual([
    { kind: 'timerChanged', seconds: 3_600, own: true },
    { kind: 'changeNotSent', change: 'edit' },
  ])
  await until(async () => (await b.thread(toA)).some(({ note }) => note?.kind === 'timerChanged'))
  expect(await b.texts(toA)).toContain('avant')
})
