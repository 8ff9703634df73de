import { CiphertextMessageType } from '@signalapp/libsignal-client'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { toHex, utf8, type Bytes } from '../base/bytes.ts'
import { CodedError } from '../base/errors.ts'
import { deviceKey } from '../storage/records.ts'
import { retiredPerDevice } from './retiredSessions.ts'
import { ratchetStep } from './ratchetStep.ts'
import type { InnerCiphertext } from './sealedSender.ts'
import { bundleOf, startSessions, type TestDevice } from './testkit.ts'
import { addressOf, TestRoom, textOf } from './testRoom.ts'

const long = process.env['VALISE_LONG'] === '1'
const room = new TestRoom()
const devices: TestDevice[] = []
let fresh: readonly (() => void)[] = []

beforeAll(() => {
  // Without one-time keys: each session takes the last-resort ones, so that there are always enough.
  devices.push(room.device({ oneTimeKeys: 0 }), room.device({ oneTimeKeys: 0 }))
  fresh = devices.map((device) => device.copy())
})
afterAll(() => room.remove())

interface Session {
  /** How many rollbacks there had been, of either side, when it was begun. */
  readonly era: number
}

interface Sent {
  readonly text: string
  readonly body: Bytes
  readonly step: string
  readonly session: Session
  /** What the sender’s vault had read and said by then. */
  readonly read: ReadonlyMap<string, Sent>
  readonly said: ReadonlySet<string>
  /** How many messages the receiver had opened when it was sent. */
  readonly openedBefore: number
}

/** What a vault knows; a copy knows what it knew. */
interface Memory {
  /** Texts that it has taken in. */
  readonly read: ReadonlyMap<string, Sent>
  readonly said: ReadonlySet<string>
}

interface Party {
  readonly device: TestDevice
  /** Messages on their way to it. */
  queue: Sent[]
  memory: Memory
  /** Steps of the messages that it opened, in order. */
  opened: string[]
  /** What it encrypts with now. */
  session: Session
  /** `rollbacks` after its own last one. */
  rolledBackAt: number
  copies: { readonly restore: () => void; readonly memory: Memory }[]
}

const within = (few: ReadonlyMap<string, Sent>, many: ReadonlySet<string>): boolean =>
  [...few.keys()].every((text) => many.has(text))

/**
 * A party that went back behind the beginning of a session and takes it up from a first message again makes a second
 * end of it. The peer can follow one of them only, and asks again for what the other sends.
 */
const ofTwoEnds = (one: Sent, other: Sent): boolean =>
  one.session === other.session && !one.said.has(other.text) && !other.said.has(one.text)

type Act =
  | { readonly act: 'send'; readonly by: number }
  | { readonly act: 'deliver' | 'repeat' | 'lose'; readonly by: number; readonly which: number }
  | { readonly act: 'copy'; readonly by: number }
  | { readonly act: 'rollback'; readonly by: number; readonly which: number }

/** Libsignal keeps five receiver chains (libsignal.md 4.11): a message that comes after more turns may be lost. */
const turnsKept = 3

class Model {
  readonly #retires: boolean
  readonly parties: readonly [Party, Party]
  /** What was encrypted with each ratchet step, over all rollbacks. */
  readonly #ciphertexts = new Map<string, string>()
  #rollbacks = 0
  #texts = 0
  reused = false

  constructor(retires: boolean) {
    this.#retires = retires
    for (const restore of fresh) restore()
    const [a, b] = devices.map((device): Party => ({
      device,
      queue: [],
      memory: { read: new Map(), said: new Set() },
      opened: [],
      session: { era: 0 },
      rolledBackAt: 0,
      copies: [],
    }))
    if (a === undefined || b === undefined) throw new Error('no devices')
    this.parties = [a, b]
  }

  async run(acts: readonly Act[]): Promise<void> {
    for (const act of acts) await this.#do(act)
  }

  async #do(act: Act): Promise<void> {
    const party = this.parties[act.by === 0 ? 0 : 1]
    const other = this.parties[act.by === 0 ? 1 : 0]
    switch (act.act) {
      case 'send':
        return await this.send(party, other)
      case 'deliver':
      case 'repeat':
      case 'lose': {
        const at = act.which % Math.max(1, Math.min(4, party.queue.length))
        const sent = party.queue[at]
        if (sent === undefined) return
        if (act.act !== 'repeat') party.queue.splice(at, 1)
        if (act.act !== 'lose') await this.receive(party, sent)
        return
      }
      case 'copy':
        party.copies.push({ restore: party.device.copy(), memory: party.memory })
        return
      case 'rollback':
        return await this.#rollBack(party, act.which)
    }
  }

  async send(from: Party, to: Party): Promise<void> {
    this.#texts += 1
    const text = `texte ${this.#texts}`
    const inner = await this.#encrypt(from, to, text)
    const step = ratchetStep(inner)
    const bytes = toHex(inner.ciphertext)
    if ((this.#ciphertexts.get(step) ?? bytes) !== bytes) this.reused = true
    this.#ciphertexts.set(step, bytes)
    const certificate = room.certificate(from.device)
    const body = await from.device.protocol.exclusively((turn) =>
      turn.seal(addressOf(to.device), inner, certificate),
    )
    const { session, memory } = from
    const { read, said } = memory
    to.queue.push({ text, body, step, session, read, said, openedBefore: to.opened.length })
    from.memory = { read, said: new Set([...said, text]) }
  }

  async #encrypt(from: Party, to: Party, text: string): Promise<InnerCiphertext> {
    const once = () =>
      from.device.protocol.exclusively(async (turn) => {
        const inner = await turn.encrypt(addressOf(to.device), utf8(text))
        turn.writes.commit()
        return inner
      })
    try {
      return await once()
    } catch (error) {
      if (!(error instanceof CodedError) || error.code !== 'session.missing') throw error
      await startSessions(from.device, to.device.local.accountId, bundleOf(to.device))
      from.session = { era: this.#rollbacks }
      return await once()
    }
  }

  async receive(to: Party, sent: Sent): Promise<void> {
    const { read, said } = to.memory
    const live = this.#liveSession(to)
    const result = await room.open(to.device, sent.body)
    if (result.kind === 'opened') {
      expect(textOf(result)).toBe(sent.text)
      // Nothing is read twice by one vault.
      expect(read.has(sent.text)).toBe(false)
      to.memory = { said, read: new Map([...read, [sent.text, sent]]) }
      to.opened.push(sent.step)
      // What the live session reads becomes what it encrypts with; a retired one stays out of use.
      if (this.#liveSession(to) !== live) to.session = sent.session
      return
    }
    expect(result.kind).toBe('refused')
    if (!this.#retires) return
    expect(read.has(sent.text) || !this.#survives(to, sent)).toBe(true)
  }

  /**
   * Whether the receiver must have the keys: the session was begun after it last went back, or the sender has heard
   * nothing that the receiver forgot saying, so that a retired session has them; and the chain lives.
   */
  #survives(to: Party, sent: Sent): boolean {
    const chains = new Set(to.opened.slice(sent.openedBefore).map((step) => step.split('.')[0]))
    const { era } = sent.session
    const retired = within(sent.read, to.memory.said) && this.#rollbacks - era < retiredPerDevice
    const followed = ![...to.memory.read.values()].some((other) => ofTwoEnds(sent, other))
    return followed && chains.size <= turnsKept && (to.rolledBackAt <= era || retired)
  }

  #liveSession({ device }: Party): string | null {
    const peer = devices.find((candidate) => candidate !== device)
    const record = device.records.begin().sessions.get(deviceKey(peer?.local.accountId ?? '', 1))
    return record && toHex(record)
  }

  async #rollBack(party: Party, which: number): Promise<void> {
    const copy = party.copies[which % Math.max(1, party.copies.length)]
    if (copy === undefined) return
    copy.restore()
    party.memory = copy.memory
    this.#rollbacks += 1
    party.rolledBackAt = this.#rollbacks
    if (!this.#retires) return
    await party.device.protocol.exclusively(async (turn) => {
      turn.retireSessions()
      turn.writes.commit()
    })
    expect(party.device.records.begin().sessions.keys().size).toBe(0)
  }
}

const by = fc.integer({ min: 0, max: 1 })
const which = fc.nat(20)
const act: fc.Arbitrary<Act> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ act: fc.constant('send' as const), by }) },
  { weight: 8, arbitrary: fc.record({ act: fc.constant('deliver' as const), by, which }) },
  {
    weight: 1,
    arbitrary: fc.record({ act: fc.constantFrom('repeat' as const, 'lose' as const), by, which }),
  },
  { weight: 1, arbitrary: fc.record({ act: fc.constant('copy' as const), by }) },
  { weight: 1, arbitrary: fc.record({ act: fc.constant('rollback' as const), by, which }) },
)

describe('two parties of whom either may go back to a copy of its vault', () => {
  it(
    'never use a message key twice, and read once what their sessions can read',
    async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(act, { minLength: 10, maxLength: 40 }), async (acts) => {
          const model = new Model(true)
          await model.run(acts)
          expect(model.reused).toBe(false)
          for (const party of model.parties) {
            for (const sent of party.queue.splice(0)) await model.receive(party, sent)
          }
        }),
        { numRuns: long ? 1_000 : 200 },
      )
    },
    long ? 1_200_000 : 120_000,
  )

  it('would use one twice if sessions were not retired', async () => {
    const model = new Model(false)
    const send: Act = { act: 'send', by: 0 }
    const [deliver, answer]: [Act, Act] = [
      { act: 'deliver', by: 1, which: 0 },
      { act: 'deliver', by: 0, which: 0 },
    ]
    await model.run([send, deliver, { act: 'send', by: 1 }, answer, { act: 'copy', by: 0 }, send])
    expect(model.reused).toBe(false)
    await model.run([{ act: 'rollback', by: 0, which: 0 }, send])
    expect(model.reused).toBe(true)
  })

  it('read the steps of first messages and of later ones alike', async () => {
    const [a, b] = await room.pair()
    const encrypt = async () =>
      await a.protocol.exclusively(async (turn) => {
        const made = [
          await turn.encrypt(addressOf(b), utf8('un')),
          await turn.encrypt(addressOf(b), utf8('deux')),
        ]
        turn.writes.commit()
        return made
      })
    const first = await encrypt()
    await room.received(b, await room.send(a, b, 'x'))
    await room.received(a, await room.send(b, a, 'y'))
    const later = await encrypt()
    expect(first.map(({ type }) => type)).toEqual(Array(2).fill(CiphertextMessageType.PreKey))
    expect(later.map(({ type }) => type)).toEqual(Array(2).fill(CiphertextMessageType.Whisper))
    const parts = [...first, ...later].map((inner) => ratchetStep(inner).split('.'))
    expect(parts.map(([, counter]) => counter)).toEqual(['0', '1', '0', '1'])
    expect(new Set(parts.map(([key]) => key)).size).toBe(2)
  })
})
