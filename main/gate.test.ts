import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CodedError, type ErrorCode, type Result } from '../src/base/errors.ts'
import { callInputCharacters, callNames, calls, type CallName, type Phase } from '../src/contract/index.ts'
import { createGate, installGate, type Answer, type Sender } from './gate.ts'

const own: Sender = { origin: 'app://main', isMainFrame: true, isRegisteredWindow: true }
const account = '00000000-0000-4000-8000-000000000000'

const messageId = '0'.repeat(32)
const message = { authorId: account, messageId }
const groups = Array<string>(12).fill('00000')
const conversation = { conversationId: account }

/** One well-formed input of each call. */
const good: { readonly [N in CallName]: unknown } = {
  'state.snapshot': {},
  'enrolment.inspect': { invitation: 'x' },
  'enrolment.complete': { invitation: 'x', deviceName: 'Poste', protection: { kind: 'osKeyStore' } },
  'link.begin': { relay: '', deviceName: 'Poste', protection: { kind: 'osKeyStore' } },
  'link.cancel': {},
  'vault.unlock': { passphrase: 'x' },
  'directory.search': { query: '', after: null },
  'conversation.open': { accountId: account },
  'conversation.messages': { ...conversation, before: null, limit: 10 },
  'conversation.read': { ...conversation, position: 1 },
  'conversation.draft': { ...conversation, text: '' },
  'conversation.typing': { ...conversation, typing: true },
  'conversation.timer': { ...conversation, seconds: 60 },
  'conversation.accept': conversation,
  'conversation.block': { ...conversation, blocked: true },
  'conversation.settings': { ...conversation, pinned: true },
  'identity.safetyNumber': { accountId: account },
  'identity.accept': { accountId: account, groups },
  'identity.verify': { accountId: account, verified: true, groups },
  'message.send': { ...conversation, messageId, text: 'x' },
  'message.retry': { messageId },
  'message.discard': { messageId },
  'message.edit': { messageId, text: 'x' },
  'message.versions': message,
  'message.deleteForEveryone': { messageId },
  'message.deleteForMe': { ...conversation, messages: [message] },
  'message.react': { ...message, reaction: { kind: 'service', reaction: 'seen' } },
  'message.acknowledge': message,
  'device.list': {},
  'device.link': { code: 'x' },
  'device.remove': { deviceId: 2, reason: 'retired' },
  'account.settings': { readReceipts: false },
  'alert.dismiss': { alertId: 1 },
  'connection.retry': {},
  'appearance.set': { theme: 'dark' },
  'link.open': { address: 'https://example.org/' },
  'window.control': { action: 'minimise' },
}

function setUp(answer: (name: CallName) => Promise<Result<unknown>>, phase?: Phase) {
  const asked: CallName[] = []
  const reports: [CallName, ErrorCode][] = []
  const record = (name: CallName) => {
    asked.push(name)
    return answer(name)
  }
  const gate = createGate({
    origin: 'app://main',
    phase: () => phase ?? 'ready',
    answer: record as Answer,
    report: (call, code) => reports.push([call, code]),
  })
  return { gate, asked, reports }
}

const empty = () => Promise.resolve<Result<unknown>>({ ok: true, value: {} })
const code = (result: Result<unknown>) => (result.ok ? 'ok' : result.error.code)

function phaseOf(name: CallName): Phase {
  return calls[name].phases[0] ?? 'ready'
}

describe('the gate', () => {
  it('knows a good input for every call, so that no call goes untested', async () => {
    for (const name of callNames) {
      const { gate, asked } = setUp(empty, phaseOf(name))
      await gate(name, own, good[name])
      expect(asked).toEqual([name])
    }
  })

  const foreign: [string, Sender][] = [
    ['another origin', { ...own, origin: 'https://main' }],
    ['a longer origin', { ...own, origin: 'app://main.evil' }],
    ['a file', { ...own, origin: 'file://' }],
    ['an opaque origin', { ...own, origin: 'null' }],
    ['a frame that is gone', { ...own, origin: null }],
    ['a child frame', { ...own, isMainFrame: false }],
    ['a window that the factory did not make', { ...own, isRegisteredWindow: false }],
  ]
  it.each(foreign)('refuses %s on every channel and asks nobody', async (_name, sender) => {
    const { gate, asked, reports } = setUp(empty)
    for (const name of callNames) expect(code(await gate(name, sender, good[name]))).toBe('ipc.foreignSender')
    expect(asked).toEqual([])
    expect(reports).toEqual(callNames.map((name) => [name, 'ipc.foreignSender']))
  })

  it('refuses malformed input on every channel and asks nobody', async () => {
    for (const name of callNames) {
      const { gate, asked } = setUp(empty, phaseOf(name))
      for (const bad of [
        undefined,
        null,
        7,
        '',
        [],
        [good[name]],
        { ...Object(good[name]), extra: 1 },
        new Map(),
      ]) {
        expect(code(await gate(name, own, bad))).toBe('ipc.malformed')
      }
      await fc.assert(
        fc.asyncProperty(fc.anything(), async (input) => {
          fc.pre(!calls[name].input.safeParse(input).success)
          expect(['ipc.malformed', 'ipc.tooLarge']).toContain(code(await gate(name, own, input)))
        }),
        { numRuns: 50 },
      )
      expect(asked).toEqual([])
    }
  })

  it('refuses too large an input before it parses it', async () => {
    const { gate, asked } = setUp(empty)
    for (const name of callNames) {
      expect(code(await gate(name, own, { text: 'x'.repeat(callInputCharacters) }))).toBe('ipc.tooLarge')
    }
    expect(asked).toEqual([])
  })

  it('refuses each call outside its phases', async () => {
    for (const phase of ['starting', 'refused', 'enrolment', 'locked', 'ready'] as const) {
      for (const name of callNames) {
        const { gate, asked } = setUp(empty, phase)
        const result = await gate(name, own, good[name])
        const allowed = calls[name].phases.includes(phase)
        expect([code(result) === 'ipc.notReady', asked.length]).toEqual([!allowed, allowed ? 1 : 0])
      }
    }
  })

  it('passes on an answer that keeps the contract, and drops one that does not', async () => {
    const ask = (value: unknown) =>
      setUp(() => Promise.resolve({ ok: true, value })).gate('link.open', own, good['link.open'])
    expect(await ask({ opened: true })).toEqual({ ok: true, value: { opened: true } })
    expect(await ask({ opened: true, key: 'secret' })).toEqual({
      ok: false,
      error: { code: 'internal', details: {} },
    })
    expect(await ask(undefined)).toEqual({ ok: false, error: { code: 'internal', details: {} } })
  })

  it('lets no exception and no text out', async () => {
    const thrown = (error: unknown) => setUp(() => Promise.reject(error)).gate('connection.retry', own, {})
    expect(await thrown(new Error('/home/secret'))).toEqual({
      ok: false,
      error: { code: 'internal', details: {} },
    })
    expect(await thrown(new CodedError('vault.diskFull'))).toEqual({
      ok: false,
      error: { code: 'vault.diskFull', details: {} },
    })
    const odd = setUp(() =>
      Promise.resolve({ ok: false, error: { code: 'no such', details: {} } } as unknown as Result<unknown>),
    )
    expect(code(await odd.gate('connection.retry', own, {}))).toBe('internal')
  })
})

describe('installGate', () => {
  it('makes one handler a call; more or fewer inputs than one are malformed', async () => {
    const handlers = new Map<string, (event: Sender, ...inputs: unknown[]) => Promise<unknown>>()
    const { gate } = setUp(empty, 'ready')
    installGate<Sender>(
      { handle: (channel, listener) => handlers.set(channel, listener) },
      gate,
      (event) => event,
    )
    expect([...handlers.keys()]).toEqual(callNames.map((name) => `valise:${name}`))
    const retry = handlers.get('valise:connection.retry')
    expect(await retry?.(own, {})).toEqual({ ok: true, value: {} })
    expect(await retry?.(own)).toMatchObject({ error: { code: 'ipc.malformed' } })
    expect(await retry?.(own, {}, {})).toMatchObject({ error: { code: 'ipc.malformed' } })
  })
})
