import { expect, test } from 'vitest'
import type { ChangeEvents } from './changes.ts'
import { ChangeWatch } from './changes.ts'
import { silentLog } from './log.ts'
import type { Change } from './store/peopleStore.ts'

/** A store whose changes a test writes, and what was told of them. */
function watched(everyMs = 1): {
  readonly watch: ChangeWatch
  readonly rows: Change[]
  readonly told: unknown[]
  fail: boolean
} {
  const rows: Change[] = []
  const told: unknown[] = []
  const events: ChangeEvents = {
    removed: (devices) => void told.push(['removed', ...devices]),
    changed: (accountId, revision) => void told.push(['changed', accountId, revision]),
    disabled: (accountId) => void told.push(['disabled', accountId]),
    missed: () => void told.push(['missed']),
  }
  const state = { rows, told, fail: false }
  const changes = {
    newest: async () => rows.at(-1)?.id ?? 0,
    after: async (id: number, limit: number) => {
      if (state.fail) throw new Error('away')
      return rows.filter((row) => row.id > id).slice(0, limit)
    },
    prune: async () => undefined,
  }
  const watch = new ChangeWatch({ changes, events, log: silentLog, everyMs })
  return Object.assign(state, { watch })
}

const ended = (id: number): Change => ({ id, kind: 'deviceEnded', device: id * 10 })

test('what was there before the start is not told, what comes later is, in order and once', async () => {
  const { watch, rows, told } = watched()
  rows.push(ended(1))
  await watch.start()
  rows.push({ id: 2, kind: 'devicesChanged', accountId: 'a', revision: 7 })
  rows.push({ id: 3, kind: 'accountDisabled', accountId: 'a' })
  await expect.poll(() => told.length).toBe(2)
  rows.push(ended(4))
  await expect
    .poll(() => told)
    .toEqual([
      ['changed', 'a', 7],
      ['disabled', 'a'],
      ['removed', 40],
    ])
  await watch.stop()
})

test('a whole backlog is told at once, a gap is noticed, and a store that was away is asked again', async () => {
  const state = watched()
  const { watch, rows, told } = state
  await watch.start()
  state.fail = true
  rows.push(...Array.from({ length: 2_500 }, (_, index) => ended(index + 1)))
  await expect.poll(() => told).toEqual([])
  state.fail = false
  await expect.poll(() => told.length).toBe(2_500)
  rows.push(ended(2_502))
  await expect.poll(() => told.slice(2_500)).toEqual([['missed'], ['removed', 25_020]])
  await watch.stop()
  rows.push(ended(2_503))
  expect(told).toHaveLength(2_502)
})
