import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { setTimeout } from 'node:timers/promises'
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

async function enrolled(profile: string, name: string): Promise<CommandLine> {
  const line = new CommandLine(profile)
  await line.until((reply) => reply.method === 'ready')
  const done = await line.ask('enrolment.complete', {
    invitation: await relay.invite(name),
    deviceName: profile,
  })
  expect(done).toMatchObject({ result: {} })
  return line
}

it('enrols, lists, sends and streams what arrives, and goes on after a restart', async () => {
  const [a, b] = [await enrolled('a', 'Salle opérationnelle'), await enrolled('b', 'Permanence')]
  await a.until(
    (reply) => reply.params?.['change'] !== undefined && JSON.stringify(reply).includes('"online"'),
  )
  const found = await a.ask('directory.search', { query: 'permanence', after: null })
  const [person] = (found.result?.['people'] ?? []) as { accountId: string }[]
  const opened = await a.ask('conversation.open', { accountId: person?.accountId })
  const conversationId = opened.result?.['conversationId']
  const message = { conversationId, messageId: 'ab'.repeat(16), text: 'Alerte crue : 12 h 15' }
  expect(await a.ask('message.send', message)).toMatchObject({ result: {} })
  await b.until((reply) => JSON.stringify(reply.params ?? {}).includes('Alerte crue : 12 h 15'))
  expect(await a.ask('message.send', { ...message, text: ' ' })).toMatchObject({
    error: { data: { code: 'message.empty' } },
  })
  expect(await a.exit()).toBe(0)
  expect(await b.exit()).toBe(0)

  const again = new CommandLine('b')
  const ready = await again.until((reply) => reply.method === 'ready')
  expect(JSON.stringify(ready)).toContain('Alerte crue : 12 h 15')
  expect(await again.exit()).toBe(0)
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
    const { code, ms } = await line.endedBy(end)
    const { errors } = line
    line = new CommandLine('endings')
    expect([errors, code]).toEqual(['', 0])
    expect(ms).toBeLessThan(3_000)
    const ready = await line.until((reply) => reply.method === 'ready')
    expect(JSON.stringify(ready)).toContain('"phase":"ready"')
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
