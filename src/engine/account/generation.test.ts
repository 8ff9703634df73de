import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { randomInt } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { systemClock, type Clock } from '../../base/clock.ts'
import { toHex, type Bytes } from '../../base/bytes.ts'
import { ratchetStep } from '../../protocol/ratchetStep.ts'
import { createInvitation, initRelay, startRelay, type RelayOptions } from '../../relay/index.ts'
import { openVault } from '../../storage/open.ts'
import { openSlots } from '../../storage/slots/index.ts'
import { profileFiles } from '../profile/profileFiles.ts'
import { setting } from '../testing/setting.ts'
import { until, Workstation } from '../testing/workstation.ts'

const { enrolled } = setting()
const long = process.env['VALISE_LONG'] !== undefined
/** Copies that are put back; fewer where their seconds are spent first, but so many. */
const copies = 100
const copiesAtLeast = 5
const spendMs = long ? Infinity : 30_000

/** Less than an orderly stop waits for anything. */
const inTimeMs = 1_500

const day = 24 * 3_600_000

/** Looks into a vault whose engine has stopped. */
async function peek<T>(station: Workstation, read: (all: (sql: string) => unknown[]) => T): Promise<T> {
  const files = profileFiles(station.folder)
  const opener = { kind: 'osKeyStore', keyStore: station.keyStore } as const
  const vault = openVault(files.vault, await openSlots(files.slots, opener, systemClock))
  try {
    return read((sql) => vault.sql.all(sql))
  } finally {
    vault.close()
  }
}

/** From now on the vault keeps every ciphertext that it makes, also the copies of it that are made later. */
async function tap(station: Workstation): Promise<void> {
  await station.inVault((vault) =>
    vault.transaction((tx) => {
      tx.run('CREATE TABLE tap (type INTEGER, ciphertext BLOB UNIQUE)')
      tx.run(`CREATE TRIGGER tap AFTER INSERT ON outbox_ciphertext BEGIN
        INSERT OR IGNORE INTO tap VALUES (new.type, new.ciphertext); END`)
    }),
  )
}

/** Which ciphertext each ratchet step was used for, over all states that a vault was ever in. */
class Steps {
  readonly #used = new Map<string, string>()

  get count(): number {
    return this.#used.size
  }

  async collect(station: Workstation): Promise<void> {
    const rows = await peek(station, (all) => all('SELECT type, ciphertext FROM tap'))
    for (const { type, ciphertext } of rows as { type: number; ciphertext: Bytes }[]) {
      if (type === 8) continue
      const step = ratchetStep({ type, ciphertext })
      const bytes = toHex(ciphertext)
      const before = this.#used.get(step) ?? bytes
      expect(before, `message key ${step} was used twice`).toBe(bytes)
      this.#used.set(step, bytes)
    }
  }
}

it(
  `notices a vault that was put back, before anything is encrypted, up to ${copies} times`,
  () => withRelay({ budgets: { generation: { burst: 10_000, perSecond: 1_000 } } }, putBack),
  60 * 60_000,
)

async function putBack(enrol: Enrol): Promise<void> {
  const [a, b] = [await enrol('Solène'), await enrol('Aïssatou')]
  const [toB, toA] = [await a.openConversation(b), await b.openConversation(a)]
  await tap(a)
  await a.online()
  const steps = new Steps()
  const started = performance.now()
  let noticed = 0
  const goesOn = () => noticed < copiesAtLeast || performance.now() - started < spendMs
  for (; noticed < copies && goesOn(); noticed += 1) {
    await some(3, (n) => a.send(toB, `avant ${noticed}.${n}`))
    await some(2, (n) => b.send(toA, `de B ${noticed}.${n}`))
    await new Promise((resolve) => setTimeout(resolve, randomInt(40)))
    const copy = mkdtempSync(join(tmpdir(), 'valise-copy-'))
    // No other code of this process runs meanwhile, so the files are those of one moment.
    cpSync(a.folder, copy, { recursive: true })
    await some(3, (n) => a.send(toB, `perdu ${noticed}.${n}`))
    await some(2, (n) => b.send(toA, `reçu puis perdu ${noticed}.${n}`))
    await new Promise((resolve) => setTimeout(resolve, randomInt(40)))
    await stopInOrder(a)
    await steps.collect(a)
    rmSync(a.folder, { recursive: true })
    cpSync(copy, a.folder, { recursive: true })
    rmSync(copy, { recursive: true })
    await a.restart()
    await a.online()
    const alerts = (await a.ready()).alerts.filter(({ kind }) => kind === 'vaultCopied')
    expect(alerts.length, `copy ${noticed}`).toBeGreaterThan(0)
    for (const { alertId } of alerts) await a.ask('alert.dismiss', { alertId })
    await a.send(toB, `après ${noticed}`)
    await until(async () => (await b.texts(toA)).includes(`après ${noticed}`))
    await b.send(toA, `vu ${noticed}`)
    await until(async () => (await a.texts(toB)).includes(`vu ${noticed}`))
  }
  await a.engine.stop()
  await steps.collect(a)
  const sent = (await b.texts(toA)).filter((text) => text !== '')
  expect(new Set(sent).size).toBe(sent.length)
  console.log(
    `${noticed} copies put back, each noticed at the first connection; ${steps.count} message keys, none twice`,
  )
}

/** A stop gives up the exchange of the generation after a while, and the copy of before would be the last one. */
async function stopInOrder(station: Workstation): Promise<void> {
  for (;;) {
    await station.online()
    const begun = performance.now()
    await station.engine.stop()
    if (performance.now() - begun < inTimeMs) return
    await station.restart()
  }
}

it('freezes two copies that are connected at once, and says so on both', async () => {
  const [a, b] = [await enrolled('Solène'), await enrolled('Aïssatou')]
  const toB = await a.openConversation(b)
  await a.send(toB, 'avant')
  await until(async () => (await a.thread(toB))[0]?.delivery === 'sent')
  const copy = mkdtempSync(join(tmpdir(), 'valise-copy-'))
  cpSync(a.folder, copy, { recursive: true })
  const second = new Workstation({ profile: copy })
  second.keyStore.unwrap = (wrapped) => a.keyStore.unwrap(wrapped)
  await second.start()
  for (const one of [a, second]) {
    await until(async () => (await one.ready()).connection.error?.code === 'device.frozen')
    expect((await one.ready()).connection.nextAttemptAt).toBeNull()
  }
  await a.send(toB, 'pendant')
  await a.ask('connection.retry', {})
  await until(async () => (await a.ready()).connection.state === 'offline')
  expect((await a.thread(toB)).at(-1)?.delivery).toBe('queued')
  expect(await a.texts(toB)).toEqual(['avant', 'pendant'])
  await second.end()
})

it('reads its queue after thirty days away, and with a clock that is ten years wrong', async () => {
  let shift = 0
  const clock: Clock = { now: () => Date.now() + shift }
  await withRelay({ clock }, async (enrol) => {
    const wrong = { years: 0 }
    const clockOfB: Clock = { now: () => Date.now() + wrong.years * 365 * day }
    const a = await enrol('Solène', clock)
    const b = await enrol('Aïssatou', clockOfB)
    const [toB, toA] = [await a.openConversation(b), await b.openConversation(a)]
    for (const [round, years] of [0, 10, -10].entries()) {
      await b.engine.stop()
      for (const n of [1, 2]) await a.send(toB, `${round}.${n}`)
      await until(async () => (await a.ready()).connection.queued === 0)
      shift += 30 * day
      wrong.years = years
      // Its connection knows the relay's time of before.
      await a.restart()
      await b.restart()
      await until(async () => (await b.texts(toA)).includes(`${round}.2`))
      await b.send(toA, `réponse ${round}`)
      await until(async () => (await a.texts(toB)).includes(`réponse ${round}`))
    }
    expect((await b.thread(toA)).filter(({ kind }) => kind === 'undecryptable')).toEqual([])
  })
})

type Enrol = (name: string, clock?: Clock) => Promise<Workstation>

/** A relay in this process, whose clock and budgets a test chooses, and workstations that end with it. */
async function withRelay(
  options: Pick<RelayOptions, 'clock' | 'budgets'>,
  work: (enrol: Enrol) => Promise<void>,
): Promise<void> {
  const data = join(mkdtempSync(join(tmpdir(), 'valise-relay-')), 'data')
  await initRelay({ data, organisation: 'Ministère des essais' })
  const relay = await startRelay({ data, ...options })
  const stations: Workstation[] = []
  try {
    await work(async (name, clock) => {
      const station = await new Workstation({}, clock).start()
      stations.push(station)
      const invitation = { data, address: relay.address, name, clock: options.clock ?? systemClock }
      await station.enrol((await createInvitation(invitation)).text)
      return station
    })
  } finally {
    for (const station of stations) await station.end()
    await relay.stop()
    rmSync(join(data, '..'), { recursive: true, force: true })
  }
}

async function some(most: number, act: (n: number) => Promise<unknown>): Promise<void> {
  const count = randomInt(most + 1)
  for (let n = 0; n < count; n += 1) await act(n)
}
