import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Deadline } from './deadline.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

function deadline(): { readonly it: Deadline; readonly late: () => boolean; hold(held: boolean): void } {
  let late = false
  let held = false
  const it = new Deadline(
    1_000,
    () => held,
    () => (late = true),
  )
  return { it, late: () => late, hold: (now) => (held = now) }
}

test('it is late after its time, and only then', () => {
  const { late } = deadline()
  vi.advanceTimersByTime(990)
  expect(late()).toBe(false)
  vi.advanceTimersByTime(20)
  expect(late()).toBe(true)
})

test('time in which the connection is held does not count', () => {
  const { late, hold } = deadline()
  vi.advanceTimersByTime(510)
  hold(true)
  vi.advanceTimersByTime(60_000)
  expect(late()).toBe(false)
  hold(false)
  vi.advanceTimersByTime(480)
  expect(late()).toBe(false)
  vi.advanceTimersByTime(20)
  expect(late()).toBe(true)
})

test('one that was ended is never late', () => {
  const { it, late } = deadline()
  vi.advanceTimersByTime(950)
  it.end()
  vi.advanceTimersByTime(5_000)
  expect(late()).toBe(false)
})
