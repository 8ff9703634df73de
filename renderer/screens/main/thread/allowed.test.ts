import { expect, test } from 'vitest'
import { messageSample } from '../../../samples.ts'
import { allowed, lastEditable } from './allowed.ts'

const day = 86_400_000
const mine = { own: true, delivery: 'delivered', sentAt: 0 } as const

test('one’s own message can be edited for 24 hours once it has left, and deleted for everyone', () => {
  expect(allowed(messageSample(1, mine), true, day - 1)).toMatchObject({
    edit: true,
    removeForEveryone: true,
  })
  expect(allowed(messageSample(1, mine), true, day)).toMatchObject({ edit: false, removeForEveryone: true })
  expect(allowed(messageSample(1, mine), false, 0)).toMatchObject({
    edit: false,
    removeForEveryone: false,
    copy: true,
  })
  expect(allowed(messageSample(1, { ...mine, delivery: 'queued' }), true, 0)).toEqual({
    copy: true,
    answer: false,
    edit: false,
    remove: true,
    removeForEveryone: false,
    unsent: true,
  })
})

test('what cannot be read can only be deleted for oneself, a note of the system not at all', () => {
  for (const over of [{ deleted: true }, { kind: 'undecryptable' }, { kind: 'unknown' }] as const) {
    const may = allowed(messageSample(1, over), true, 0)
    expect(may).toMatchObject({
      copy: false,
      answer: false,
      edit: false,
      remove: true,
      removeForEveryone: false,
    })
  }
  expect(allowed(messageSample(1, { kind: 'system' }), true, 0).remove).toBe(false)
  expect(allowed(messageSample(1), true, 0)).toMatchObject({
    answer: true,
    edit: false,
    removeForEveryone: false,
  })
})

test('the last one that can be edited', () => {
  const all = [
    messageSample(1, mine),
    messageSample(2, mine),
    messageSample(3, { ...mine, deleted: true }),
    messageSample(4),
  ]
  expect(lastEditable(all, true, 1)?.position).toBe(2)
  expect(lastEditable(all, true, day)).toBeNull()
})
