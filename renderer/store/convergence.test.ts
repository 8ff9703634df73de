import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Result } from '../../src/base/errors.ts'
import type {
  CallName,
  CallOutput,
  Change,
  ConversationView,
  Delta,
  MessageView,
  Snapshot,
} from '../../src/contract/index.ts'
import type { Client } from '../client.ts'
import { conversationSample, messageSample, ownId, peerId, readySample } from '../samples.ts'
import { reduce } from './reduce.ts'
import { initialModel, readyOf, type Model } from './state.ts'
import { createMessenger } from './store.ts'

const peer = peerId
const hex = (n: number): string => n.toString(16).padStart(32, '0')

function conversation(unread: number): ConversationView {
  return conversationSample({ activeAt: unread, unread })
}

function message(position: number, text: string): MessageView {
  return messageSample(position, { messageId: hex(position), text })
}

/** The engine's side: the true state, and a bridge whose answers and deltas arrive when the schedule says. */
class Engine {
  number = 0
  messages: MessageView[] = []
  unread = 0
  lose = false
  readonly deltas: Delta[] = []
  readonly answers: (() => void)[] = []
  listener: (delta: Delta) => void = () => undefined

  snapshot(): Snapshot {
    const state = readySample({ conversations: [conversation(this.unread)] })
    return { number: this.number, appearance: { locale: 'fr', theme: null }, state }
  }

  page(before: number | null, limit: number): CallOutput<'conversation.messages'> {
    const all = this.messages.filter((one) => before === null || one.position < before)
    return { messages: all.slice(-limit), more: all.length > limit }
  }

  emit(change: Change): void {
    this.number += 1
    if (!this.lose) this.deltas.push({ number: this.number, change })
    this.lose = false
  }

  answer(name: CallName, input: Record<string, unknown>): unknown {
    if (name === 'state.snapshot') return this.snapshot()
    return this.page(input['before'] as number | null, 3)
  }

  readonly client: Client = {
    call: (name, input) =>
      new Promise((resolve) => {
        // The engine reads now, the answer arrives later.
        const value = this.answer(name, input as Record<string, unknown>)
        this.answers.push(() => resolve({ ok: true, value } as Result<never>))
      }),
    onDelta: (listener) => {
      this.listener = listener
      return () => undefined
    },
  }
}

type Step =
  'new' | 'edit' | 'remove' | 'unread' | 'deliver' | 'overtake' | 'repeat' | 'answer' | 'lose' | 'older'
const orderly: readonly Step[] = [
  'new',
  'new',
  'edit',
  'remove',
  'unread',
  'deliver',
  'deliver',
  'deliver',
  'answer',
  'answer',
  'older',
]
// Most gaps end in a snapshot that hides what went before: schedules without any are tried as often.
const schedule = fc.oneof(
  fc.array(fc.tuple(fc.constantFrom(...orderly), fc.nat(50)), { maxLength: 60 }),
  fc.array(
    fc.tuple(fc.constantFrom<Step>(...orderly, ...orderly, 'lose', 'overtake', 'repeat'), fc.nat(50)),
    {
      maxLength: 60,
    },
  ),
)

function act(engine: Engine, one: Step, at: number): void {
  const target = engine.messages[at % Math.max(1, engine.messages.length)]
  if (one === 'new') {
    const fresh = message((engine.messages.at(-1)?.position ?? 0) + 1 + (at % 2), `n${at}`)
    engine.messages = [...engine.messages, fresh]
    engine.emit({ kind: 'messages', messages: [fresh] })
  } else if (one === 'edit' && target) {
    const edited = { ...target, text: `e${at}` }
    engine.messages = engine.messages.map((m) => (m.messageId === target.messageId ? edited : m))
    engine.emit({ kind: 'messages', messages: [edited] })
  } else if (one === 'remove' && target) {
    engine.messages = engine.messages.filter((m) => m !== target)
    const { authorId, messageId } = target
    engine.emit({ kind: 'messageRemoved', conversationId: peer, authorId, messageId })
  } else if (one === 'unread') {
    engine.unread = at
    engine.emit({ kind: 'conversation', conversation: conversation(at) })
  }
}

const settled = async (): Promise<void> => {
  for (let turn = 0; turn < 4; turn += 1) await Promise.resolve()
}

test('any interleaving of deltas, losses, snapshots and pages ends in the engine’s state', async () => {
  await fc.assert(
    fc.asyncProperty(fc.boolean(), schedule, async (upToDate, steps) => {
      const engine = new Engine()
      const later: (() => void)[] = []
      const messenger = createMessenger(engine.client, (_, again) => void later.push(again))
      messenger.start()
      const pump = async (): Promise<void> => {
        later.splice(0).forEach((again) => again())
        void messenger.loadNewest(peer)
        await settled()
      }
      // From a page that is up to date, what happens must not need a snapshot to come right.
      for (let position = 1; position <= 8; position += 1) act(engine, 'new', position)
      for (let turn = 0; upToDate && turn < 4; turn += 1) {
        engine.deltas.splice(0).forEach((delta) => engine.listener(delta))
        engine.answers.splice(0).forEach((give) => give())
        await pump()
      }
      for (const [one, at] of steps) {
        if (one === 'lose') engine.lose = true
        else if (one === 'overtake') engine.deltas.splice(1, 1).forEach((delta) => engine.listener(delta))
        else if (one === 'repeat') engine.deltas.slice(0, 1).forEach((delta) => engine.listener(delta))
        else if (one === 'deliver') engine.deltas.splice(0, 1).forEach((delta) => engine.listener(delta))
        // Answers may overtake each other and any delta.
        else if (one === 'answer')
          engine.answers.splice(at % (engine.answers.length || 1), 1).forEach((give) => give())
        else if (one === 'older') void messenger.loadOlder(peer)
        else act(engine, one, at)
        await pump()
      }
      engine.lose = false
      act(engine, 'unread', 7)
      for (let turn = 0; turn < 30; turn += 1) {
        engine.deltas.splice(0).forEach((delta) => engine.listener(delta))
        engine.answers.splice(0).forEach((give) => give())
        await pump()
      }
      const model = messenger.store.getState()
      const thread = model.threads[peer]
      const held = thread?.messages ?? []
      expect(model.number).toBe(engine.number)
      expect(model.behind).toBe(false)
      expect(model.state).toEqual(engine.snapshot().state)
      expect(thread?.current).toBe(true)
      expect(held).toEqual(engine.messages.slice(engine.messages.length - held.length))
      if (thread?.more === false) expect(held).toHaveLength(engine.messages.length)
    }),
    { numRuns: 600 },
  )
})

test('a message twice is one message, and stands at its position', async () => {
  const engine = new Engine()
  const messenger = createMessenger(engine.client)
  messenger.start()
  engine.answers.splice(0).forEach((give) => give())
  await settled()
  void messenger.loadNewest(peer)
  engine.answers.splice(0).forEach((give) => give())
  await settled()
  for (const position of [2, 1, 3, 2]) {
    engine.number += 1
    engine.listener({
      number: engine.number,
      change: { kind: 'messages', messages: [message(position, 'x')] },
    })
  }
  expect(messenger.store.getState().threads[peer]?.messages.map((one) => one.position)).toEqual([1, 2, 3])
})

test('two authors with the same id are two messages', async () => {
  const engine = new Engine()
  const messenger = createMessenger(engine.client)
  messenger.start()
  engine.answers.splice(0).forEach((give) => give())
  await settled()
  void messenger.loadNewest(peer)
  engine.answers.splice(0).forEach((give) => give())
  await settled()
  const theirs = message(1, 'theirs')
  const mine = messageSample(2, { messageId: theirs.messageId, authorId: ownId, own: true })
  engine.listener({ number: 1, change: { kind: 'messages', messages: [mine, theirs] } })
  expect(messenger.store.getState().threads[peer]?.messages).toEqual([theirs, mine])
})

test('what is known already changes nothing, and what came early is applied in its order', () => {
  const unread = (number: number): Delta => ({
    number,
    change: { kind: 'conversation', conversation: conversation(number) },
  })
  const engine = new Engine()
  engine.number = 5
  const seen = (model: Model): number | undefined => readyOf(model)?.conversations[0]?.unread
  const before = [8, 7, 6].reduce(
    (model, number) => reduce(model, { kind: 'delta', delta: unread(number) }),
    initialModel,
  )
  const synced = reduce(before, { kind: 'snapshot', snapshot: engine.snapshot() })
  expect([synced.number, synced.behind, seen(synced)]).toEqual([8, false, 8])
  expect(reduce(synced, { kind: 'delta', delta: unread(7) })).toBe(synced)
  expect(seen(reduce(synced, { kind: 'snapshot', snapshot: engine.snapshot() }))).toBe(8)
  const gap = reduce(synced, { kind: 'delta', delta: unread(10) })
  expect([gap.behind, seen(gap)]).toEqual([true, 8])
})
