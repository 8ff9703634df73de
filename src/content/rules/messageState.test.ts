import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { editWindowMs } from '../limits.ts'
import { anyReaction } from '../testing.ts'
import { plainText } from '../text.ts'
import {
  currentVersion,
  isEdited,
  newMessage,
  reduceMessage,
  shownReactions,
  type MessageChange,
  type MessageState,
} from './messageState.ts'

const author = '00000000-0000-4000-8000-00000000000a'
const reader = '00000000-0000-4000-8000-00000000000b'
const third = '00000000-0000-4000-8000-00000000000c'
const sentAt = 1_000_000_000_000
const id = (n: number) => new Uint8Array(16).fill(n)
const original = {
  ...plainText('bonjour'),
  timerSeconds: 3600,
  acknowledgementRequest: { deadline: null },
}
const start = newMessage({ authorId: author, messageId: id(255), sentAt, text: original })

function after(changes: readonly MessageChange[], state: MessageState = start): MessageState {
  return changes.reduce((before, change) => {
    const reduced = reduceMessage(before, change)
    return reduced.ok ? reduced.state : before
  }, state)
}
const answer = (change: MessageChange, state = start) => {
  const reduced = reduceMessage(state, change)
  return reduced.ok ? null : reduced.code
}

const edit = (at: number, text: string, n = 1, from = author): MessageChange => ({
  kind: 'edit',
  from,
  sentAt: at,
  changeId: id(n),
  text: plainText(text),
})
const removal = (at: number, from = author): MessageChange => ({
  kind: 'deleteForEveryone',
  from,
  sentAt: at,
  changeId: id(200),
})
const acknowledgement = (at: number, from = reader): MessageChange => ({
  kind: 'acknowledgement',
  from,
  sentAt: at,
  changeId: id(201),
})
const reaction = (at: number, emoji: string | null, n = 1, from = reader): MessageChange => ({
  kind: 'reaction',
  from,
  sentAt: at,
  changeId: id(n),
  reaction: emoji === null ? null : { kind: 'emoji', emoji },
})

/** Few people and few moments, so that changes meet; around both ends of the window. Each has an id of its own. */
const moment = fc.oneof(
  fc.integer({ min: -3, max: 3 }).map((step) => sentAt + step),
  fc
    .constantFrom(-editWindowMs - 1, -editWindowMs, editWindowMs, editWindowMs + 1)
    .map((step) => sentAt + step),
)
const parts = fc.record({
  kind: fc.constantFrom('edit', 'edit', 'deleteForEveryone', 'reaction', 'reaction', 'acknowledgement'),
  from: fc.constantFrom(author, author, reader, third),
  sentAt: moment,
  reaction: fc.option(anyReaction, { nil: null }),
})
const anyChanges = (
  kinds: readonly string[] = ['edit', 'deleteForEveryone', 'reaction', 'acknowledgement'],
) =>
  fc.array(parts, { maxLength: 8 }).map((list) =>
    list
      .filter(({ kind }) => kinds.includes(kind))
      .map(({ kind, from, sentAt: at, reaction: value }, n): MessageChange => {
        const change = { from, sentAt: at, changeId: id(n) }
        if (kind === 'edit') return { ...change, kind, text: plainText(`version ${n}`) }
        if (kind === 'reaction') return { ...change, kind, reaction: value }
        return { ...change, kind: kind === 'acknowledgement' ? kind : 'deleteForEveryone' }
      }),
  )
const anyOrder = <T>(items: readonly T[]) =>
  fc
    .tuple(
      fc.shuffledSubarray([...items], { minLength: items.length }),
      fc.array(fc.nat(Math.max(items.length - 1, 0)), { maxLength: 6 }),
    )
    .chain(([shuffled, again]) => {
      const repeated = again.flatMap((index) => items[index] ?? [])
      const all = [...shuffled, ...repeated]
      return fc.shuffledSubarray(all, { minLength: all.length })
    })

const comparable = (state: MessageState) => ({
  ...state,
  reactions: [...state.reactions].toSorted(([a], [b]) => (a < b ? -1 : 1)),
  acknowledgements: [...state.acknowledgements].toSorted(([a], [b]) => (a < b ? -1 : 1)),
})

describe('a message after changes', () => {
  it('is the same in whatever order and however often they come', () => {
    fc.assert(
      fc.property(
        anyChanges().chain((changes) => fc.tuple(fc.constant(changes), anyOrder(changes))),
        ([changes, shuffled]) => {
          expect(comparable(after(shuffled))).toEqual(comparable(after(changes)))
        },
      ),
      { numRuns: 2_000 },
    )
  })

  it('is the same object where a change changes nothing', () => {
    fc.assert(
      fc.property(anyChanges(), (changes) => {
        const state = after(changes)
        expect(after(changes, state)).toBe(state)
      }),
    )
  })

  it('shows the newest edit of its author in time, and keeps the others', () => {
    fc.assert(
      fc.property(anyChanges(['edit', 'reaction']), (changes) => {
        const valid = changes.filter(
          (change) =>
            change.kind === 'edit' &&
            change.from === author &&
            change.sentAt >= sentAt - editWindowMs &&
            change.sentAt <= sentAt + editWindowMs,
        )
        // Ids rise with the place in the list, so that a stable sort by time is the order by both.
        const texts = valid
          .toSorted((a, b) => a.sentAt - b.sentAt)
          .map((change) => (change.kind === 'edit' ? change.text.text : ''))
        const state = after(changes)
        expect(state.versions.map(({ text }) => text.text)).toEqual([...texts.toReversed(), 'bonjour'])
        expect(isEdited(state)).toBe(texts.length > 0)
      }),
      { numRuns: 500 },
    )
  })

  it('shows the last reaction of each person', () => {
    fc.assert(
      fc.property(anyChanges(['reaction', 'edit']), (changes) => {
        const shown = shownReactions(after(changes))
        for (const person of [author, reader, third]) {
          const last = changes
            .filter(({ kind, from }) => kind === 'reaction' && from === person)
            .toSorted((a, b) => a.sentAt - b.sentAt)
            .at(-1)
          expect(shown.get(person) ?? null).toEqual(last?.kind === 'reaction' ? last.reaction : null)
        }
      }),
      { numRuns: 500 },
    )
  })

  it('is only a mark once its author has deleted it', () => {
    fc.assert(
      fc.property(anyChanges(), (changes) => {
        const removals = changes.filter(({ kind, from }) => kind === 'deleteForEveryone' && from === author)
        const state = after(changes)
        if (removals.length === 0) {
          expect(state.deletedAt).toBeNull()
          expect(currentVersion(state)).not.toBeNull()
          return
        }
        expect(state.deletedAt).toBe(Math.min(...removals.map((change) => change.sentAt)))
        expect(state).toMatchObject({ authorId: author, messageId: id(255), sentAt, versions: [] })
        expect(state.reactions.size).toBe(0)
        expect(currentVersion(state)).toBeNull()
      }),
      { numRuns: 500 },
    )
  })
})

describe('who may do what', () => {
  it('edits: the author, within 24 hours of the original, not once deleted', () => {
    expect(answer(edit(sentAt + editWindowMs, 'x'))).toBeNull()
    expect(answer(edit(sentAt + editWindowMs + 1, 'x'))).toBe('message.notEditable')
    expect(answer(edit(sentAt - editWindowMs, 'x'))).toBeNull()
    expect(answer(edit(sentAt - editWindowMs - 1, 'x'))).toBe('message.notEditable')
    expect(answer(edit(sentAt + 1, 'x', 1, reader))).toBe('message.notEditable')
    expect(answer(edit(sentAt + 1, 'x'), after([removal(sentAt + 5)]))).toBe('message.notEditable')
    // The window of an edit of an edit is the original's.
    const edited = after([edit(sentAt + editWindowMs - 1, 'x')])
    expect(answer(edit(sentAt + editWindowMs + 1, 'y', 2), edited)).toBe('message.notEditable')
  })

  it('an edit keeps how long the message stays and what it asks for', () => {
    const { text } = currentVersion(after([edit(sentAt + 1, 'x')])) ?? { text: null }
    expect(text).toEqual({ ...original, text: 'x' })
  })

  it('an edit that comes late goes into the history', () => {
    const state = after([edit(sentAt + 2, 'second', 2), edit(sentAt + 1, 'first', 1)])
    expect(state.versions.map(({ text }) => text.text)).toEqual(['second', 'first', 'bonjour'])
  })

  it('an edit from a device whose clock is behind is shown', () => {
    expect(currentVersion(after([edit(sentAt - 5, 'x')]))?.text.text).toBe('x')
  })

  it('deletes: the author alone', () => {
    expect(answer(removal(sentAt + 10 * editWindowMs))).toBeNull()
    expect(answer(removal(sentAt + 1, reader))).toBe('message.notDeletable')
  })

  it('reacts: anybody, until it is deleted', () => {
    expect(answer(reaction(1, '👍', 1, author))).toBeNull()
    expect(answer(reaction(1, '👍'), after([removal(sentAt)]))).toBe('content.notAllowed')
  })

  it('a reaction that was taken back does not return', () => {
    const state = after([reaction(5, null, 2), reaction(4, '👍', 1)])
    expect(shownReactions(state).size).toBe(0)
  })

  it('takes into account: anybody but the author, once and for good', () => {
    expect(answer(acknowledgement(1, author))).toBe('content.notAllowed')
    const state = after([acknowledgement(7), acknowledgement(5), acknowledgement(9), removal(sentAt)])
    expect([...state.acknowledgements]).toEqual([[reader, 5]])
  })
})
