import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Bytes } from '../base/bytes.ts'
import type { Sql } from '../storage/binding.ts'
import { readAccount } from '../storage/repositories/account.ts'
import { verdictNumber } from '../wire/generation.ts'
import { formatInvitation, parseInvitation } from '../wire/invitation.ts'
import { crashPoints, type CrashPoint } from './crashPoints.ts'
import { link } from './testing/linking.ts'
import { setting } from './testing/setting.ts'
import { TamperingProxy } from './testing/tamperingProxy.ts'
import type { FrameTampers } from './testing/frames.ts'
import { bundleVictim, type VictimProgram } from './testing/victim.ts'
import { putIn, WireTap } from './testing/wireTap.ts'
import { inThisProcess, until, Workstation } from './testing/workstation.ts'

/** Kills at each point: 5 in `npm test`, 50 in `npm run test:long`. */
const kills = process.env['VALISE_LONG'] === '1' ? 50 : 5

/** How long a process may take until it reaches a point, in ms. */
const reachMs = 3 * 60_000

/** How long it may take until everything has left: a lane that was tried in vain in many lives rests for minutes. */
const settleMs = 10 * 60_000 + kills * 10_000

const here = setting()
const tap = new WireTap()
let program: VictimProgram
let proxy: TamperingProxy
/** `a` is killed; `a2` is the other device of its account, `b` a contact. One after another, all points are met by them. */
let cast: { readonly a: Workstation; readonly a2: Workstation; readonly b: Workstation }
let ids: { readonly a: string; readonly b: string }
/** What `a` has answered for, in order, and what `b` has. */
const answered = { a: [] as string[], b: [] as string[] }

beforeAll(async () => {
  program = await bundleVictim()
  proxy = await TamperingProxy.start(here.relay.address)
  const enrolled = async (name: string): Promise<Workstation> => {
    const station = await new Workstation().start()
    const invitation = parseInvitation(await here.relay.invite(name))
    await station.enrol(formatInvitation({ ...invitation, address: proxy.address }))
    return station
  }
  const [a, b] = [await enrolled('A'), await enrolled('B')]
  const a2 = await new Workstation().start()
  await link(a, a2, 'DEUX')
  cast = { a, a2, b }
  ids = { a: await a.accountId(), b: await b.accountId() }
  // Each life that ended without a word begins its sessions anew, and takes the keys of its own other device for that.
  const allow = 'budgets allow --budget ownKeys --limit 1000000 --reason kills --account'.split(' ')
  await here.relay.administer([...allow, ids.a])
  await a.openConversation(b)
  await b.openConversation(a)
})
afterAll(async () => {
  await Promise.all(Object.values(cast).map((station) => station.end()))
  proxy.end()
  program.remove()
})

/** What the relay does so that the point is reached at all. */
function provocation(point: CrashPoint): Partial<FrameTampers> {
  switch (point) {
    case 'session.committed':
    case 'generation.retired':
    case 'keys.committed':
      return { toWorkstation: takesForCopy }
    case 'repair.committed':
      return { toRelay: takesForStale() }
    default:
      return {}
  }
}

const takesForCopy: FrameTampers['toWorkstation'] = (frame) => {
  if (frame.case === undefined) return []
  if (frame.case !== 'welcome') return [frame]
  return [{ case: 'welcome', value: { ...frame.value, verdict: verdictNumber('foreign') } }]
}

/** The first put of each connection meets a relay that knows another registration of the device. */
function takesForStale(): FrameTampers['toRelay'] {
  const met = new WeakSet<object>()
  return (frame, line) => {
    if (frame.case === undefined) return []
    const put = putIn(frame)
    if (put === null || met.has(line)) return [frame]
    met.add(line)
    const { requestId, envelopes } = put
    const stale = envelopes.map(({ deviceId }) => deviceId)
    const outcome = { case: 'deviceMismatch', value: { stale } } as const
    line.tellWorkstation({ case: 'putResult', value: { requestId, outcome } })
    return []
  }
}

function listen(tampers: Partial<FrameTampers>): void {
  const honest: FrameTampers = {
    toRelay: (frame) => (frame.case === undefined ? [] : [frame]),
    toWorkstation: (frame) => (frame.case === undefined ? [] : [frame]),
  }
  const chosen = { ...honest, ...tampers }
  proxy.frames = {
    ...chosen,
    toRelay: (frame, line) => {
      tap.see(frame)
      return chosen.toRelay(frame, line)
    },
  }
}

const rest = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** Both sides write until the process of `a` has ended at the point, which it reaches for the nth time. */
async function killAt(point: CrashPoint, kill: number): Promise<void> {
  const { a, b } = cast
  // Connecting and an orderly stop exchange a generation: the second one dies in its stop.
  const atStop = point.startsWith('generation.co') && kill % 2 === 0
  const nth = atStop ? 2 : timesReached(point, kill)
  a.makeHost = program.host({ point, nth })
  await a.restart()
  let dead = false
  const exited = a.exited.then(() => {
    dead = true
  })
  const end = performance.now() + reachMs
  for (let n = 0; !dead; n += 1) {
    if (performance.now() > end) throw new Error(`${point} is never reached`)
    await Promise.race([write('a', `a ${point} ${kill}.${n}`), exited])
    if (n % 2 === 0) await write('b', `b ${point} ${kill}.${n}`)
    if (atStop && n > 2) await Promise.race([a.engine.stop(), exited])
    await Promise.race([rest(20), exited])
  }
  // Nobody had seen its last words: what it wrote down still counts.
  const own = (await a.peek((sql) => sql.all<{ text: string }>(ownTexts))).map(({ text }) => text)
  expect(own.slice(0, answered.a.length)).toEqual(answered.a)
  answered.a.splice(0, answered.a.length, ...own)

  async function write(who: 'a' | 'b', text: string): Promise<void> {
    const sent = who === 'a' ? a.send(ids.b, text) : b.send(ids.a, text)
    await sent.then(() => answered[who].push(text)).catch(() => undefined)
  }
}

const ownTexts = `SELECT text FROM message WHERE own = 1 AND kind = 'text' ORDER BY position`

/** Within one life some points are met once, others as often as there is something to do. */
function timesReached(point: CrashPoint, kill: number): number {
  if (point.startsWith('send.') || point.startsWith('receive.')) return 1 + (kill % 3)
  return point === 'session.committed' ? 1 + (kill % 2) : 1
}

async function textsBy(station: Workstation, withWhom: string, authorId: string): Promise<string[]> {
  const thread = await station.thread(withWhom)
  return thread.flatMap((one) => (one.kind === 'text' && one.authorId === authorId ? [one.text] : []))
}

async function nothingWaits(): Promise<boolean> {
  const { a, b } = cast
  const waiting = await Promise.all([a, b].map(async (one) => one.peek(countJobs)))
  return waiting.every((jobs) => jobs === 0)
}

/** What has not left, and when it is tried again. */
async function waiting(): Promise<string> {
  const { a, b } = cast
  const jobs = await Promise.all([a, b].map(async (one) => one.peek((sql) => sql.all(waitingJobs))))
  return JSON.stringify({ now: Date.now(), jobs })
}

const waitingJobs = `SELECT lane, kind, attempts, next_attempt_at, lease_until FROM outbox ORDER BY job_id LIMIT 5`

function countJobs(sql: Sql): number {
  return sql.get<{ n: number }>('SELECT count(*) AS n FROM outbox')?.n ?? 0
}

/** How far their authors say that texts are. */
async function standing(texts: readonly string[]): Promise<string> {
  const { a, b } = cast
  const threads = [...(await a.thread(ids.b)), ...(await b.thread(ids.a))]
  return threads
    .flatMap(({ own, text, delivery, error }) =>
      own && texts.includes(text) ? [`${text} ${delivery} ${error?.code ?? ''}`] : [],
    )
    .join()
}

/** Everything is everywhere, once and in order. */
async function expectAllShown(): Promise<void> {
  const { a, a2, b } = cast
  const views = async (authorId: string): Promise<string[][]> => [
    await textsBy(a, ids.b, authorId),
    await textsBy(a2, ids.b, authorId),
    await textsBy(b, ids.a, authorId),
  ]
  for (const who of ['a', 'b'] as const) {
    const complete = async (): Promise<boolean> =>
      (await views(ids[who])).every((texts) => texts.length >= answered[who].length)
    // What has not left after so many lives takes its time; what is neither there nor on its way is lost.
    await until(async () => (await complete()) || (await nothingWaits()), settleMs).catch(
      async (error: unknown) => {
        throw new Error(`by ${who}: ${await waiting()}`, { cause: error })
      },
    )
    // What has left arrives within moments, or never.
    await until(complete, 60_000).catch(() => undefined)
    for (const [where, texts] of (await views(ids[who])).entries()) {
      const refused = await [a, a2, b][where]?.refused()
      const shown = new Set(texts)
      const lost = answered[who].filter((text) => !shown.has(text))
      const said = `by ${who}, at ${['a', 'a2', 'b'][where]}; refused there: ${refused?.join()}; ${await standing(lost)}`
      expect(texts, said).toEqual(answered[who])
    }
  }
  for (const [station, withWhom] of [
    [a, ids.b],
    [a2, ids.b],
    [b, ids.a],
  ] as const) {
    const kinds = new Set((await station.thread(withWhom)).map(({ kind }) => kind))
    expect([...kinds].filter((kind) => kind !== 'text' && kind !== 'system')).toEqual([])
  }
}

describe('killed with -9', () => {
  it.each(crashPoints)(
    'at %s: every text is shown once and in order, on every device',
    async (point) => {
      listen(provocation(point))
      for (let kill = 1; kill <= kills; kill += 1) await killAt(point, kill)
      listen({})
      cast.a.makeHost = inThisProcess
      await cast.a.restart()
      await expectAllShown()
    },
    settleMs * 3 + kills * reachMs,
  )

  it('uses no message key twice, by the counters of all that has left', async () => {
    const identities = new Map<string, Bytes>()
    for (const station of [cast.a, cast.b]) {
      const account = await station.peek(readAccount)
      if (account !== null) identities.set(account.record.accountId, account.identityKeyPair)
    }
    const keys = await tap.messageKeys((accountId) => identities.get(accountId))
    expect(keys.size).toBeGreaterThan(kills * crashPoints.length)
    const reused = [...keys].filter(([, ciphertexts]) => ciphertexts.size > 1)
    expect(reused.map(([key]) => key)).toEqual([])
  })
})
