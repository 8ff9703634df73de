import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { crashPoints, type CrashPoint } from './crashPoints.ts'
import { setting } from './testing/setting.ts'
import { bundleVictim, type VictimProgram } from './testing/victim.ts'
import { until, type Workstation } from './testing/workstation.ts'

/** Kills at each point: 5 in `npm test`, 50 in `npm run test:long`. */
const kills = process.env['VALISE_LONG'] === '1' ? 50 : 5

const { enrolled } = setting()
let program: VictimProgram

beforeAll(async () => {
  program = await bundleVictim()
})
afterAll(() => {
  program.remove()
})

const sending = crashPoints.filter((point) => point.startsWith('send.'))
const receiving = crashPoints.filter((point) => point.startsWith('receive.'))

/** Starts the workstation again so that it dies the nth time it reaches the point. */
async function restartDoomed(station: Workstation, point: CrashPoint, nth: number): Promise<void> {
  station.makeHost = program.host({ point, nth })
  await station.restart()
}

async function restartWell(station: Workstation): Promise<void> {
  station.makeHost = program.host(null)
  await station.restart()
  await until(async () => (await station.snapshot()).state.phase === 'ready')
}

describe('killed with -9', () => {
  it.each(sending)(
    'while sending, at %s: each text arrives once and in order',
    async (point) => {
      const [a, b] = [await enrolled('A'), await enrolled('B')]
      const [toB, toA] = [await a.openConversation(b), await a.accountId()]
      const kept: string[] = []
      for (let kill = 1; kill <= kills; kill += 1) {
        await restartDoomed(a, point, 1 + (kill % 4))
        await until(async () => (await a.snapshot()).state.phase === 'ready').catch(() => undefined)
        let dead = false
        void a.exited.then(() => {
          dead = true
        })
        for (let n = 0; !dead && n < 300; n += 1) {
          await Promise.race([a.send(toB, `${kill}.${n}`).catch(() => undefined), a.exited])
          await Promise.race([new Promise((resolve) => setTimeout(resolve, 15)), a.exited])
        }
        await a.exited
        await restartWell(a)
        // What the vault holds after the kill is what has to arrive: no more, no less.
        const own = (await a.thread(toB)).map((message) => message.text)
        expect(own.slice(0, kept.length)).toEqual(kept)
        kept.splice(0, kept.length, ...own)
      }
      await until(async () => (await b.texts(toA)).length >= kept.length, 20_000)
      await until(async () => (await a.ready()).connection.queued === 0)
      expect(await b.texts(toA)).toEqual(kept)
      expect(kept.length).toBeGreaterThanOrEqual(kills)
    },
    60_000 + kills * 5_000,
  )

  it.each(receiving)(
    'while receiving, at %s: each text is shown once and in order',
    async (point) => {
      const [a, b] = [await enrolled('A'), await enrolled('B')]
      const [toB, toA] = [await a.openConversation(b), await a.accountId()]
      const sent: string[] = []
      for (let kill = 1; kill <= kills; kill += 1) {
        await restartDoomed(b, point, 1 + (kill % 3))
        let dead = false
        void b.exited.then(() => {
          dead = true
        })
        for (let n = 0; !dead && n < 200; n += 1) {
          const text = `${kill}.${n}`
          await a.send(toB, text)
          sent.push(text)
          await Promise.race([new Promise((resolve) => setTimeout(resolve, 20)), b.exited])
        }
        await b.exited
      }
      await restartWell(b)
      await until(async () => (await b.texts(toA)).length >= sent.length, 20_000)
      expect(await b.texts(toA)).toEqual(sent)
      await until(
        async () => (await a.thread(toB)).every((message) => message.delivery === 'delivered'),
        20_000,
      )
    },
    60_000 + kills * 5_000,
  )
})
