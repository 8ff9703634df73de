import { expect, it } from 'vitest'
import { CodedError, type ErrorCode } from '../base/errors.ts'
import type { CrashPoint } from './crashPoints.ts'
import { Engine } from './engine.ts'
import { setting } from './testing/setting.ts'
import { until, type Workstation } from './testing/workstation.ts'

const { enrolled } = setting()

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

const cases = (['vault.diskFull', 'defect'] as const).flatMap((code) =>
  (
    [
      'receive.decrypted',
      'receive.committed',
      'send.encrypted',
      'send.committed',
      'send.sealed',
      'send.stored',
    ] as const
  ).map((point) => ({ point, code })),
)

it.each(cases)(
  'goes on by itself after $code at $point, without a loss or a double',
  async ({ point, code }) => {
    const [a, b] = [await enrolled('A'), await enrolled('B')]
    const [toB, toA] = [await a.openConversation(b), await a.accountId()]
    const failed = failAt(point.startsWith('send.') ? a : b, point, code, 2)
    await a.restart()
    await b.restart()
    const texts = Array.from({ length: 8 }, (_, n) => `message ${n}`)
    for (const text of texts) await a.send(toB, text)
    await until(async () => (await b.texts(toA)).length >= texts.length, 15_000)
    await until(async () => (await a.ready()).connection.queued === 0, 15_000)
    expect(await b.texts(toA)).toEqual(texts)
    expect((await b.thread(toA)).map((message) => message.kind)).toEqual(texts.map(() => 'text'))
    expect((await a.thread(toB)).map((message) => message.delivery)).not.toContain('failed')
    expect(failed()).toBe(2)
  },
)

it('sends everything for an account in the order of its ratchet: messages and receipts in one lane', async () => {
  const [a, b] = [await enrolled('A'), await enrolled('B')]
  const [toB, toA] = [await a.openConversation(b), await a.accountId()]
  failAt(b, 'send.encrypted', 'vault.diskFull', Number.POSITIVE_INFINITY)
  await b.restart()
  await a.send(toB, 'question')
  await until(async () => (await b.texts(toA)).length === 1)
  await b.send(toA, 'réponse')
  const jobs = await b.inVault((vault) => vault.sql.all('SELECT lane, kind FROM outbox ORDER BY job_id'))
  expect(jobs).toEqual([
    { lane: toA, kind: 'receipt' },
    { lane: toA, kind: 'message' },
  ])
})
