import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { setTimeout } from 'node:timers/promises'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { RelayProcess } from '../engine/testing/relayProcess.ts'

const program = resolve(import.meta.dirname, '../../out/cli/entry.cli.js')
const passphrase = 'une phrase que personne ne devine'
const folder = mkdtempSync(join(tmpdir(), 'valise-cli-'))
let relay: RelayProcess

beforeAll(async () => {
  relay = await RelayProcess.start()
})
afterAll(async () => {
  await relay.end()
  rmSync(folder, { recursive: true })
})

interface Reply {
  readonly id?: number
  readonly method?: string
  readonly params?: Record<string, unknown>
  readonly result?: Record<string, unknown>
  readonly error?: { readonly message: string; readonly data: { readonly code: string } }
}

/** The built program in a process of its own, spoken to as a script speaks to it. */
class CommandLine {
  readonly #child: ChildProcess
  readonly #heard: Reply[] = []
  #wake: () => void = () => undefined
  #nextId = 1
  errors = ''

  constructor(profile: string, given = passphrase, parts: readonly string[] = ['--passphrase-fd', '3']) {
    this.#child = spawn(process.execPath, [program, '--profile', join(folder, profile), ...parts], {
      stdio: ['pipe', 'pipe', 'pipe', 'pipe'],
      env: { LANG: 'fr_FR.UTF-8' },
    })
    const [input, output, errors, secret] = this.#child.stdio as unknown as [
      Writable,
      Readable,
      Readable,
      Writable,
    ]
    secret.on('error', () => undefined)
    secret.end(`${given}\n`)
    input.on('error', () => undefined)
    errors.on('data', (chunk: Buffer) => {
      this.errors += chunk.toString()
    })
    createInterface({ input: output }).on('line', (line) => {
      this.#heard.push(JSON.parse(line) as Reply)
      this.#wake()
    })
  }

  async until(wanted: (reply: Reply) => boolean): Promise<Reply> {
    for (;;) {
      const found = this.#heard.find(wanted)
      if (found !== undefined) return found
      await new Promise<void>((wake) => {
        this.#wake = wake
      })
    }
  }

  async ask(method: string, params: object = {}): Promise<Reply> {
    const id = this.#nextId
    this.#nextId += 1
    this.#child.stdin?.write(`${JSON.stringify({ jsonrpc: '2.0', id, method, params })}\n`)
    return await this.until((reply) => reply.id === id)
  }

  async exit(): Promise<number | null> {
    this.#child.stdin?.end()
    return await this.#exited()
  }

  /** Ends otherwise than by the end of its input: how, and in how many ms. */
  async endedBy(end: (child: ChildProcess) => void | Promise<void>) {
    await end(this.#child)
    const begun = performance.now()
    const code = await this.#exited()
    return { code, ms: performance.now() - begun }
  }

  async #exited(): Promise<number | null> {
    if (this.#child.exitCode !== null) return this.#child.exitCode
    const [code] = (await once(this.#child, 'exit')) as [number | null]
    return code
  }
}

type Params = Record<string, unknown>

/** Whether this is a notice of this name that says all this. */
const notice =
  (method: string, parts: Params = {}) =>
  (reply: Reply): boolean =>
    reply.method === method && Object.entries(parts).every(([name, value]) => reply.params?.[name] === value)

const online = notice('connection', { state: 'online' })

async function enrolled(profile: string, name: string): Promise<CommandLine> {
  const line = new CommandLine(profile)
  await line.until(notice('ready'))
  const done = await line.ask('enrolment.complete', {
    invitation: await relay.invite(name),
    deviceName: profile,
  })
  expect(done).toMatchObject({ result: {} })
  return line
}

/** Finds a person in the directory and opens the conversation with them. */
async function opened(line: CommandLine, name: string): Promise<string> {
  await line.until(online)
  const found = await line.ask('directory.search', { query: name, after: null })
  const [person] = (found.result?.['people'] ?? []) as { accountId: string }[]
  const open = await line.ask('conversation.open', { accountId: person?.accountId })
  return String(open.result?.['conversationId'])
}

it('enrols, lists, sends and streams what arrives, and goes on after a restart', async () => {
  const [a, b] = [await enrolled('a', 'Salle opérationnelle'), await enrolled('b', 'Permanence')]
  const conversationId = await opened(a, 'permanence')
  const text = 'Alerte crue : 12 h 15'
  const acknowledgement = { deadline: null }
  const message = { conversationId, messageId: 'ab'.repeat(16), text, acknowledgement }
  expect(await a.ask('message.send', message)).toMatchObject({ result: {} })
  const { params: request } = await b.until(notice('request'))
  const { params: arrived } = await b.until(notice('message', { text, own: false }))
  expect(await a.ask('message.send', { ...message, text: ' ' })).toMatchObject({
    error: { data: { code: 'message.empty' } },
  })
  // A stranger is told nothing until they are accepted.
  await a.until(notice('messageChanged', { delivery: 'sent' }))
  await b.ask('conversation.accept', { conversationId: request?.['conversationId'] })
  await a.until(notice('messageChanged', { delivery: 'delivered' }))
  const { authorId, messageId, position } = arrived ?? {}
  await b.ask('message.acknowledge', { authorId, messageId })
  await a.until(
    (reply) => notice('messageChanged')(reply) && JSON.stringify(reply.params).includes('"by":[{'),
  )
  expect(await a.ask('message.edit', { messageId, text: 'Alerte levée' })).toMatchObject({ result: {} })
  await b.until(notice('messageChanged', { text: 'Alerte levée' }))
  await b.ask('conversation.read', { conversationId: arrived?.['conversationId'], position })
  await a.until(notice('messageChanged', { delivery: 'read' }))
  expect(await a.ask('message.deleteForEveryone', { messageId })).toMatchObject({ result: {} })
  await b.until(notice('messageChanged', { deleted: true }))
  expect(await a.exit()).toBe(0)
  expect(await b.exit()).toBe(0)

  const again = new CommandLine('b')
  const ready = await again.until(notice('ready'))
  expect(JSON.stringify(ready)).not.toContain('Alerte')
  const { result } = await again.ask('conversation.messages', {
    conversationId: arrived?.['conversationId'],
    before: null,
    limit: 10,
  })
  expect(result?.['messages']).toMatchObject([{ messageId, deleted: true }])
  expect(await again.exit()).toBe(0)
})

it('links a second command line, which receives all that the first one does until it is removed', async () => {
  const [first, third] = [await enrolled('first', 'Cellule de crise'), await enrolled('third', 'Terrain')]
  await first.until(online)
  const listed = await first.ask('device.list')
  const second = new CommandLine('second')
  await second.until(notice('ready'))
  const begun = await second.ask('link.begin', {
    relay: listed.result?.['relay'],
    deviceName: 'Poste de nuit',
  })
  const code = String(begun.result?.['code'])
  await second.until(notice('link', { code }))
  expect(await first.ask('device.link', { code: 'A'.repeat(20) })).toMatchObject({
    error: { data: { code: 'link.unknown' } },
  })
  const linked = await first.ask('device.link', { code })
  await second.until(notice('state', { phase: 'ready' }))
  await second.until(online)
  const { params: alert } = await first.until(notice('alert', { kind: 'deviceAdded' }))
  await first.ask('alert.dismiss', { alertId: alert?.['alertId'] })

  const to = await opened(third, 'cellule')
  await third.ask('message.send', { conversationId: to, messageId: '11'.repeat(16), text: 'Digue tenue' })
  const heard = notice('message', { text: 'Digue tenue', own: false })
  const { params } = await first.until(heard)
  await second.until(heard)
  const conversationId = params?.['conversationId']
  const answer = { conversationId, messageId: '22'.repeat(16), text: 'Bien reçu' }
  expect(await second.ask('message.send', answer)).toMatchObject({ result: {} })
  await third.until(notice('message', { text: 'Bien reçu', own: false }))
  // What one workstation of an account sends, the other one has too.
  await first.until(notice('message', { text: 'Bien reçu', own: true }))
  const number = async (line: CommandLine, accountId: unknown): Promise<unknown> =>
    (await line.ask('identity.safetyNumber', { accountId })).result?.['groups']
  expect(await number(second, conversationId)).toEqual(await number(first, conversationId))
  expect(await number(second, conversationId)).toEqual(await number(third, to))

  const removal = { deviceId: linked.result?.['deviceId'], reason: 'retired' }
  expect(await first.ask('device.remove', removal)).toMatchObject({ result: {} })
  await second.until(
    (reply) =>
      notice('connection', { state: 'offline' })(reply) &&
      JSON.stringify(reply.params).includes('relay.deviceGone'),
  )
  for (const line of [first, second, third]) expect(await line.exit()).toBe(0)
})

describe('ends in order, within three seconds, and opens again', () => {
  const request = (id: number) => `${JSON.stringify({ jsonrpc: '2.0', id, method: 'state.snapshot' })}\n`
  let line: CommandLine
  beforeAll(async () => {
    line = await enrolled('endings', 'Veille')
  })
  afterAll(async () => {
    await line.exit()
  })

  it.each<[string, (child: ChildProcess) => void | Promise<void>]>([
    ['at SIGTERM', (child) => void child.kill('SIGTERM')],
    ['at SIGINT', (child) => void child.kill('SIGINT')],
    [
      'when nobody reads its output any more',
      (child) => {
        child.stdout?.destroy()
        child.stdin?.write(request(1))
      },
    ],
    [
      'at SIGTERM while it waits for its output to be read',
      async (child) => {
        child.stdout?.pause()
        for (let id = 1; id < 4_000; id += 1) child.stdin?.write(request(id))
        await setTimeout(300)
        child.kill('SIGTERM')
      },
    ],
  ])('%s', async (_, end) => {
    let shortest = Infinity
    // A machine that stands still meanwhile tells nothing about the program.
    for (let tries = 0; tries < 5 && shortest >= 3_000; tries += 1) {
      const { code, ms } = await line.endedBy(end)
      const { errors } = line
      shortest = Math.min(shortest, ms)
      line = new CommandLine('endings')
      expect([errors, code]).toEqual(['', 0])
      const ready = await line.until(notice('ready'))
      expect(JSON.stringify(ready)).toContain('"phase":"ready"')
    }
    expect(shortest).toBeLessThan(3_000)
  })
})

it('tells a wrong passphrase and a profile in use in a sentence with a code, and changes nothing', async () => {
  const first = await enrolled('c', 'Quelqu’un')
  const second = new CommandLine('c')
  expect(await second.exit()).toBe(2)
  expect(second.errors).toMatch(/\(profile\.inUse\)\n$/)
  expect(await first.exit()).toBe(0)
  const files = readdirSync(join(folder, 'c')).sort()
  const wrong = new CommandLine('c', 'une autre phrase de passe')
  expect(await wrong.exit()).toBe(2)
  expect(wrong.errors).toMatch(/\(vault\.passphraseWrong\)\n$/)
  expect(readdirSync(join(folder, 'c')).filter((name) => name !== 'attempts.json')).toEqual(
    files.filter((name) => name !== 'attempts.json'),
  )
})

it('says how it is used, and what may be asked, in the person’s language', async () => {
  for (const [language, word] of [
    ['fr_FR.UTF-8', 'Usage\u00a0:'],
    ['en_GB.UTF-8', 'Usage:'],
  ]) {
    const { stdout } = await promisify(execFile)(process.execPath, [program, '--help'], {
      env: { LANG: language },
    })
    expect(stdout).toContain(word)
    for (const name of ['enrolment.complete', 'message.send', 'device.link', 'messageChanged'])
      expect(stdout).toContain(name)
  }
})

it('refuses arguments that it does not know, and a passphrase among them', async () => {
  for (const parts of [
    ['--passphrase', 'x'],
    ['--passphrase-fd', '0'],
    ['--passphrase-fd', 'x'],
    ['autre'],
  ]) {
    const line = new CommandLine('d', passphrase, parts)
    expect(await line.exit()).toBe(2)
    expect(line.errors).toMatch(/\(argument\.invalid\)\n$/)
    expect(line.errors).not.toContain('    at ')
  }
})
