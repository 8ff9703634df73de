import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isForOwnDevices } from '../content.ts'
import { lastSentAt, receiptIds } from '../limits.ts'
import type { ConversationSettings } from '../ownDevices.ts'
import { anyBodyOf, anyContent, anyId, anyTimer, bodiesForOwnDevices } from '../testing.ts'
import { plainText } from '../text.ts'
import { decidedAbout, decisionOf } from './identityDecisions.ts'
import { newMessage, reduceMessage } from './messageState.ts'
import { compareStamps, newest, timeAfter, type Stamp } from './order.ts'
import { receiptsFor, stateAfterReceipt, type ReceiptTerms, type SentState } from './receipts.ts'
import { mergeSettings, type Settings } from './settings.ts'
import { changeOf, targetsOf } from './targets.ts'
import { boundedExpiry, shortestTimer } from './timers.ts'

const own = '00000000-0000-4000-8000-00000000000a'
const peer = '00000000-0000-4000-8000-00000000000b'
const other = '00000000-0000-4000-8000-00000000000c'
const id = (n: number) => new Uint8Array(16).fill(n)

const shuffled = <T>(items: readonly T[]) =>
  fc.shuffledSubarray([...items, ...items], { minLength: items.length * 2 })
const stamp: fc.Arbitrary<Stamp> = fc.record({ sentAt: fc.nat(3), changeId: fc.nat(3).map(id) })

describe('order', () => {
  it('is total, and the newest is the same whatever came first', () => {
    fc.assert(
      fc.property(
        fc
          .array(stamp, { minLength: 1, maxLength: 6 })
          .chain((all) => fc.tuple(fc.constant(all), shuffled(all))),
        ([all, again]) => {
          const winner = (list: readonly Stamp[]) =>
            list.reduce<Stamp | null>((kept, coming) => newest(kept, coming), null)
          expect(winner(again)).toEqual(winner(all))
          for (const one of all) expect(compareStamps(winner(all) ?? one, one)).toBeGreaterThanOrEqual(0)
        },
      ),
    )
  })

  it('puts an own change after what it replaces, whatever the clock says', () => {
    expect(timeAfter(5, null)).toBe(5)
    expect(timeAfter(5, { sentAt: 9, changeId: id(1) })).toBe(10)
    expect(timeAfter(50, { sentAt: 9, changeId: id(1) })).toBe(50)
    expect(timeAfter(5, { sentAt: lastSentAt, changeId: id(1) })).toBe(lastSentAt)
  })
})

describe('timers', () => {
  it('let nothing live longer than when it started, however clocks jump', () => {
    const clocks = fc.array(fc.integer({ min: 0, max: 2_000_000 }), { minLength: 1, maxLength: 8 })
    const start = fc.integer({ min: 0, max: 3_000_000 })
    fc.assert(
      fc.property(clocks, start, (nows, begun) => {
        let kept = begun + 60_000
        for (const now of nows) {
          const found = boundedExpiry(kept, 60, now)
          expect(found).toBe(Math.min(kept, now + 60_000))
          expect(found - now).toBeLessThanOrEqual(60_000)
          kept = found
        }
        expect(kept).toBeLessThanOrEqual(begun + 60_000)
      }),
    )
  })

  it('the shorter of several wins, and none is none', () => {
    fc.assert(
      fc.property(fc.array(anyTimer, { maxLength: 5 }), (seconds) => {
        const running = seconds.filter((one) => one > 0)
        expect(shortestTimer(...seconds)).toBe(running.length === 0 ? 0 : Math.min(...running))
      }),
    )
  })
})

describe('receipts', () => {
  const terms = (accepted: boolean, blocked: boolean, on: boolean): ReceiptTerms => ({
    contact: { accepted, blocked },
    switches: { deliveryReceipts: on, readReceipts: on },
  })
  const text = (n: number) => ({ kind: 'text', messageId: id(n) }) as const

  it('are owed to accepted contacts that are not blocked, where the switch is on', () => {
    fc.assert(
      fc.property(fc.boolean(), fc.boolean(), fc.boolean(), (accepted, blocked, on) => {
        const owed = receiptsFor('deliveryReceipt', [text(1)], terms(accepted, blocked, on))
        expect(owed.length).toBe(accepted && !blocked && on ? 1 : 0)
      }),
    )
    const switches = { deliveryReceipts: true, readReceipts: false }
    const contact = { accepted: true, blocked: false }
    expect(receiptsFor('readReceipt', [text(1)], { contact, switches })).toEqual([])
    expect(receiptsFor('deliveryReceipt', [text(1)], { contact, switches })).toHaveLength(1)
  })

  it('are for messages that are shown and could be read, each once', () => {
    const messages = [
      text(1),
      { kind: 'typing', messageId: id(2) },
      { kind: 'unknown', messageId: id(3) },
      { kind: 'text', messageId: null },
      text(4),
      text(1),
    ] as const
    expect(receiptsFor('readReceipt', messages, terms(true, false, true))).toEqual([
      { kind: 'readReceipt', messageIds: [id(1), id(4)] },
    ])
    expect(receiptsFor('readReceipt', [], terms(true, false, true))).toEqual([])
  })

  it('come in as many bodies as the limit asks for', () => {
    const messages = Array.from({ length: 2 * receiptIds + 1 }, (_, n) => {
      const messageId = id(0)
      new DataView(messageId.buffer).setUint32(0, n)
      return { kind: 'text', messageId } as const
    })
    const owed = receiptsFor('deliveryReceipt', messages, terms(true, false, true))
    expect(owed.map(({ messageIds }) => messageIds.length)).toEqual([receiptIds, receiptIds, 1])
    expect(owed.flatMap(({ messageIds }) => messageIds)).toEqual(messages.map(({ messageId }) => messageId))
  })

  const states: readonly SentState[] = ['queued', 'sending', 'sent', 'delivered', 'read', 'failed']

  it('move only what was sent to that very contact', () => {
    for (const state of states) {
      const sent = { authorId: own, sentTo: peer, state }
      const move = (message: typeof sent, from: string) =>
        stateAfterReceipt('readReceipt', { from, own }, message)
      expect(move(sent, peer)).toBe(state === 'read' ? null : 'read')
      expect(move(sent, other)).toBeNull()
      expect(move(sent, own)).toBeNull()
      expect(move({ ...sent, authorId: peer }, peer)).toBeNull()
      expect(move({ ...sent, sentTo: own }, own)).toBeNull()
    }
  })

  it('move it forward only, in whatever order they come', () => {
    const kinds = fc.array(fc.constantFrom('deliveryReceipt' as const, 'readReceipt' as const), {
      maxLength: 5,
    })
    fc.assert(
      fc.property(fc.constantFrom(...states), kinds, (first, receipts) => {
        const last = receipts.reduce<SentState>(
          (state, receipt) =>
            stateAfterReceipt(receipt, { from: peer, own }, { authorId: own, sentTo: peer, state }) ?? state,
          first,
        )
        const read = first === 'read' || receipts.includes('readReceipt')
        expect(last).toBe(read ? 'read' : receipts.length > 0 ? 'delivered' : first)
      }),
    )
  })
})

describe('settings', () => {
  it('end the same in whatever order and however often changes come, the newest winning for each', () => {
    const change = fc
      .tuple(anyBodyOf.conversationSettings, stamp)
      .map(([{ settings }, at]) => ({ settings, at }))
    const distinct = fc.uniqueArray(change, {
      maxLength: 6,
      selector: ({ at }) => `${at.sentAt} ${at.changeId[0]}`,
    })
    const merged = (list: readonly { settings: ConversationSettings; at: Stamp }[]) =>
      list.reduce<Settings<ConversationSettings>>(
        (kept, { settings, at }) => mergeSettings(kept, settings, at),
        {},
      )
    fc.assert(
      fc.property(
        distinct.chain((all) => fc.tuple(fc.constant(all), shuffled(all))),
        ([all, again]) => {
          const state = merged(all)
          expect(merged(again)).toEqual(state)
          const newestFirst = all.toSorted((a, b) => compareStamps(b.at, a.at))
          for (const name of ['accepted', 'blocked', 'mutedUntil', 'pinned', 'archived'] as const) {
            const value = newestFirst.find(({ settings }) => settings[name] !== null)?.settings[name]
            expect(state[name]?.value).toBe(value)
          }
        },
      ),
      { numRuns: 500 },
    )
  })
})

describe('decisions about an identity key', () => {
  it('say something about that very key only', () => {
    fc.assert(
      fc.property(anyBodyOf.identityDecision, anyId, (body, changeId) => {
        const decision = decisionOf(body, changeId)
        const wanted = !body.accepted ? 'refused' : body.verified ? 'verified' : 'accepted'
        expect(decidedAbout(body.identityKey, decision)).toBe(wanted)
        expect(
          decidedAbout(
            body.identityKey.map((byte, at) => (at === 32 ? byte ^ 1 : byte)),
            decision,
          ),
        ).toBeNull()
        expect(decidedAbout(body.identityKey, null)).toBeNull()
      }),
    )
  })
})

describe('targets', () => {
  const targets = (body: Parameters<typeof targetsOf>[0]) => targetsOf(body, { from: peer, own })
  const ref = { authorId: other, messageId: id(1) }

  it('are named by their author', () => {
    const text = plainText('x')
    const mine = [{ authorId: peer, messageId: id(1) }]
    expect(targets({ kind: 'edit', messageId: id(1), text })).toEqual(mine)
    expect(targets({ kind: 'deleteForEveryone', messageId: id(1) })).toEqual(mine)
    expect(targets({ kind: 'reaction', message: ref, reaction: null })).toEqual([ref])
    expect(targets({ kind: 'acknowledgement', message: ref })).toEqual([ref])
    const ours = [{ authorId: own, messageId: id(1) }]
    expect(targets({ kind: 'deliveryReceipt', messageIds: [id(1)] })).toEqual(ours)
    expect(targets({ kind: 'readReceipt', messageIds: [id(1)] })).toEqual(ours)
    expect(targets({ kind: 'readUpTo', conversationId: peer, messages: [ref] })).toEqual([ref])
    expect(targets({ kind: 'deleteForMe', conversationId: peer, messages: [ref] })).toEqual([ref])
    expect(targets({ kind: 'text', ...text })).toEqual([])
  })

  it('of a change: what the content was for', () => {
    fc.assert(
      fc.property(anyContent, (content) => {
        const change = changeOf(content, peer)
        if (change === null) return
        expect(targets(content.body)).toHaveLength(1)
        expect(isForOwnDevices(content.body)).toBe(false)
        expect(change).toMatchObject({
          kind: content.body.kind,
          from: peer,
          sentAt: content.sentAt,
          changeId: content.messageId,
        })
        const message = newMessage({
          authorId: peer,
          messageId: id(1),
          sentAt: content.sentAt,
          text: plainText('x'),
        })
        const refused = content.body.kind === 'acknowledgement' ? 'content.notAllowed' : null
        const reduced = reduceMessage(message, change)
        expect(reduced.ok ? null : reduced.code).toBe(refused)
      }),
    )
    for (const body of Object.values(bodiesForOwnDevices)) {
      fc.assert(
        fc.property(body, anyContent, (value, content) => {
          expect(changeOf({ ...content, body: value }, own)).toBeNull()
        }),
        { numRuns: 5 },
      )
    }
  })
})
