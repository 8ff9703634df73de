import { expect, test } from 'vitest'
import type { ReactionChoice } from '../../../../src/contract/index.ts'
import { messageSample, ownId, peerId } from '../../../samples.ts'
import { counted, toggled } from './reactions.ts'

const service = (reaction: 'seen' | 'agree' | 'noted'): ReactionChoice => ({ kind: 'service', reaction })
const emoji: ReactionChoice = { kind: 'emoji', emoji: '🎉' }

test('service reactions come first, in their order; each says who', () => {
  const all = [
    { personId: peerId, reaction: emoji },
    { personId: 'x', reaction: service('agree') },
    { personId: ownId, reaction: service('agree') },
    { personId: 'y', reaction: service('seen') },
  ]
  expect(counted(all, ownId).map(({ key, people, mine }) => [key, people, mine])).toEqual([
    ['seen', ['y'], false],
    ['agree', ['x', ownId], true],
    ['🎉', [peerId], false],
  ])
})

test('a reaction that is mine is taken back, another one replaces it', () => {
  const message = messageSample(1, { reactions: [{ personId: ownId, reaction: service('noted') }] })
  expect(toggled(message, ownId, service('noted'))).toBeNull()
  expect(toggled(message, ownId, emoji)).toEqual(emoji)
  expect(toggled(message, peerId, service('noted'))).toEqual(service('noted'))
})
