import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createRelayText } from '../../text/relay.ts'
import { Counters } from '../counters.ts'
import { silentLog } from '../log.ts'
import { enrol } from '../store/contractKit.ts'
import { openSqliteStore } from '../store/sqlite.ts'
import type { RelayStore } from '../store/store.ts'
import { AlertMail, type AlertMailTimes } from './alertMail.ts'
import { alertMessage } from './alertText.ts'

let folder: string
let store: RelayStore
let accountId: string
let now = 1_800_000_000_000
let counters: Counters

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'valise-mail-'))
  store = openSqliteStore(join(folder, 'relay.db'))
  accountId = (await enrol(store, 'Ada')).accountId
  counters = new Counters()
})

afterEach(async () => {
  await store.close()
  await rm(folder, { recursive: true, force: true })
})

async function raise(period: number): Promise<void> {
  await store.alerts.raise({
    at: now,
    accountId,
    deviceId: 0,
    budget: 'directory',
    kind: 'hard',
    level: 'account',
    used: 200,
    limit: 200,
    period,
  })
}

/** A real program: a script of Node that does what it is told with its input. */
async function mail(script: string, times: Partial<AlertMailTimes> = {}): Promise<AlertMail> {
  const file = join(folder, 'mailer.mjs')
  await writeFile(file, script)
  return new AlertMail({
    store: store.alerts,
    command: [process.execPath, file, join(folder, 'out')],
    message: (alerts) => alertMessage(alerts, 'Ministère des essais', createRelayText('fr')),
    clock: { now: () => now },
    log: silentLog,
    counters,
    times,
  })
}

const keeps = `
  import { appendFileSync, readFileSync } from 'node:fs'
  appendFileSync(process.argv[2], readFileSync(0, 'utf8') + '\\0')`
const out = async (): Promise<string[]> =>
  (await readFile(join(folder, 'out'), 'utf8').catch(() => '')).split('\0').slice(0, -1)

test('alerts go to the program in one message, each once, and those of an earlier run too', async () => {
  await raise(1)
  await raise(2)
  const mailer = await mail(keeps, { everyMs: 10 })
  mailer.wake()
  mailer.wake()
  await expect.poll(() => counters.value('alertsMailed')).toBe(2)
  await raise(3)
  mailer.wake()
  await expect.poll(() => counters.value('alertsMailed')).toBe(3)
  await mailer.stop()
  const messages = await out()
  expect(messages).toHaveLength(2)
  expect(messages[0]).toMatch(/^Subject: =\?UTF-8\?B\?[A-Za-z0-9+/=]+\?=\nMIME-Version: 1\.0\n/)
  expect(messages[0]).toContain('Le relais de Ministère des essais signale')
  expect(messages[0]?.match(new RegExp(accountId, 'g'))).toHaveLength(2)
  // The person’s name stays at the relay.
  expect(messages.join('')).not.toContain('Ada')
})

test('a program that fails, hangs or is not there loses no alert', async () => {
  await raise(1)
  const failing = await mail(`process.exit(3)`, { everyMs: 1 })
  failing.wake()
  await expect.poll(() => counters.value('alertsNotMailed')).toBe(1)
  await failing.stop()
  now += 300_000
  const hanging = await mail(`setInterval(() => undefined, 1000)`, { runMs: 300, everyMs: 1 })
  hanging.wake()
  await expect.poll(() => counters.value('alertsNotMailed')).toBe(2)
  await hanging.stop()
  now += 300_000
  const missing = new AlertMail({
    store: store.alerts,
    command: [join(folder, 'nothing-there')],
    message: () => 'x',
    clock: { now: () => now },
    log: silentLog,
    counters,
  })
  missing.wake()
  await expect.poll(() => counters.value('alertsNotMailed')).toBe(3)
  await missing.stop()
  now += 300_000
  const good = await mail(keeps)
  good.wake()
  await expect.poll(() => counters.value('alertsMailed')).toBe(1)
  await good.stop()
  expect(await out()).toHaveLength(1)
})

test('nothing of an alert is read by a shell, and a stop ends a program that runs', async () => {
  await raise(1)
  const hangs = `require('fs').writeFileSync(process.argv[1], 'began\\0'); setInterval(() => 0, 999)`
  const mailer = new AlertMail({
    store: store.alerts,
    command: [process.execPath, '-e', hangs, join(folder, 'out'), `$(touch ${join(folder, 'pwned')})`],
    message: () => 'x',
    clock: { now: () => now },
    log: silentLog,
    counters,
  })
  mailer.wake()
  await expect.poll(out).toEqual(['began'])
  await mailer.stop()
  expect(counters.value('alertsNotMailed')).toBe(1)
  await expect(readFile(join(folder, 'pwned'))).rejects.toThrow('ENOENT')
})

test('what a killed run had claimed is mailed by the next one, though its lease ends after the start', async () => {
  await raise(1)
  expect(await store.alerts.claim(now, 300_000, 9)).toHaveLength(1)
  const mailer = await mail(keeps, { everyMs: 1, leaseMs: 300 })
  // The store's lease: it ends when this clock says so, after the mailer has looked.
  now += 299
  mailer.wake()
  await new Promise((resolve) => setTimeout(resolve, 100))
  expect(counters.value('alertsMailed')).toBe(0)
  now += 1
  await expect.poll(() => counters.value('alertsMailed')).toBe(1)
  await mailer.stop()
})

test('what a run had claimed when it was stopped in order is free for the next one at once', async () => {
  await raise(1)
  const stopped = await mail(`
    import { writeFileSync } from 'node:fs'
    writeFileSync(process.argv[2], 'began\\0')
    setInterval(() => undefined, 1000)`)
  stopped.wake()
  await expect.poll(out).toEqual(['began'])
  await stopped.stop()
  const next = await mail(keeps)
  next.wake()
  await expect.poll(() => counters.value('alertsMailed')).toBe(1)
  await next.stop()
})
