import { afterEach, beforeEach, expect, it } from 'vitest'
import { insertMessage, readMessage } from '../../storage/repositories/messages.ts'
import { touchConversation } from '../../storage/repositories/conversations.ts'
import { startTimer } from '../../storage/repositories/readState.ts'
import { testMessage, testVault, type TestVault } from '../../storage/testkit.ts'
import { Expiry } from './expiry.ts'

const year = 365 * 24 * 3_600_000
const today = 1_800_000_000_000

let kit: TestVault
let expiry: Expiry
let now = today
let gone: string[] = []

beforeEach(() => {
  kit = testVault()
  now = today
  gone = []
  expiry = new Expiry(kit.vault, { now: () => now }, (messages) => {
    gone.push(...messages.map(({ messageId }) => messageId))
  })
})
afterEach(() => {
  expiry.stop()
  kit.remove()
})

/** A message of a minute whose timer begins now. */
function begun(n: number): number {
  return kit.write((tx) => {
    touchConversation(tx, 'a', 1)
    const position = insertMessage(tx, testMessage('a', n, { timerSeconds: 60 })) ?? 0
    startTimer(tx, position, now)
    return position
  })
}

it('takes a message away when its time has come, and not before', () => {
  const position = begun(1)
  now += 59_999
  expiry.look()
  expect(readMessage(kit.sql, position)).not.toBeNull()
  now += 1
  expiry.look()
  expect(readMessage(kit.sql, position)).toBeNull()
  expect(gone).toHaveLength(1)
})

it('keeps nothing longer than its whole timer after a clock that was ahead was put right', () => {
  now = today + year
  const position = begun(1)
  expiry.look()
  expect(readMessage(kit.sql, position)?.expiresAt).toBe(today + year + 60_000)
  now = today
  expiry.look()
  expect(readMessage(kit.sql, position)?.expiresAt).toBe(today + 60_000)
  now += 30_000
  expiry.look()
  expect(readMessage(kit.sql, position)?.expiresAt).toBe(today + 60_000)
})

it('does so at the first look, for the clock may have been put right while Valise was not running', () => {
  now = today + year
  const position = begun(1)
  now = today
  expiry.look()
  expect(readMessage(kit.sql, position)?.expiresAt).toBe(today + 60_000)
})
