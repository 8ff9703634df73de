import { randomBytes, randomUUID } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Bytes } from '../base/bytes.ts'
import { reportOf } from '../base/errors.ts'
import { limits } from '../wire/limits.ts'
import { Linking } from './linking.ts'
import type { DeviceList } from './store/deviceStore.ts'

const bytes = (length: number): Bytes => new Uint8Array(randomBytes(length))
const noDevices: DeviceList = { revision: 1, identityKey: bytes(33), highestDeviceId: 1, devices: [] }

function codeOf(work: () => unknown): string {
  try {
    work()
    return 'ok'
  } catch (thrown) {
    return reportOf(thrown).code
  }
}

const act = fc.record({
  kind: fc.constantFrom('offer', 'find', 'reserve', 'answer', 'take', 'complete', 'wait'),
  account: fc.nat(1),
  offer: fc.nat(2),
  minutes: fc.nat(6),
})

test('whatever the order: what is taken was left by who reserved, once, in time; tries are bounded', () => {
  fc.assert(
    fc.property(fc.array(act, { maxLength: 80 }), (acts) => {
      let now = 1_000_000_000_000
      const linking = new Linking({ now: () => now })
      const accounts = [randomUUID(), randomUUID()]
      const ids = [bytes(32), bytes(32), bytes(32)]
      const key = bytes(33)
      const nonce = bytes(16)
      const ends = [0, 0, 0]
      const owner: (string | null)[] = [null, null, null]
      const secrets: (Bytes | null)[] = [null, null, null]
      const taken = [false, false, false]
      const tries = new Map<string, number[]>()
      for (const one of acts) {
        const n = one.offer
        const [id, account] = [ids[n] ?? key, accounts[one.account] ?? '']
        const live = (ends[n] ?? 0) > now
        switch (one.kind) {
          case 'wait':
            now += one.minutes * 60_000
            break
          case 'offer':
            ends[n] = linking.offer(id, key, nonce)
            if (live) break
            owner[n] = secrets[n] = null
            taken[n] = false
            break
          case 'find': {
            const code = codeOf(() => linking.find(id, account))
            const before = tries.get(account) ?? []
            if (code !== 'link.tooManyTries') tries.set(account, [...before, now])
            if (!live) expect(code).not.toBe('ok')
            break
          }
          case 'reserve': {
            const code = codeOf(
              () =>
                (secrets[n] = linking.reserve(
                  id,
                  { accountId: account, device: one.account },
                  noDevices,
                ).secret),
            )
            if (!live || (owner[n] !== null && owner[n] !== account)) expect(code).toBe('link.unknown')
            if (code === 'ok') owner[n] = account
            break
          }
          case 'answer': {
            const code = codeOf(() => linking.answer(id, account, bytes(4)))
            if (!live || owner[n] !== account) expect(code).toBe('link.unknown')
            break
          }
          case 'take': {
            let sealed: Bytes | null = null
            const code = codeOf(() => (sealed = linking.take(id)))
            if (!live || taken[n]) expect(code).toBe('link.unknown')
            if (sealed === null) break
            expect(owner[n]).not.toBeNull()
            taken[n] = true
            break
          }
          case 'complete': {
            const secret = secrets[n]
            expect(linking.reservedBy(id, account, 2, bytes(32))).toBeNull()
            if (secret !== null && secret !== undefined && (!live || owner[n] !== account)) {
              expect(linking.reservedBy(id, account, 2, secret)).toBeNull()
            }
          }
        }
      }
      for (const times of tries.values()) {
        for (const [index, time] of times.entries()) {
          // A window begins with its first try, so that two of them may meet.
          const within = times.slice(index).filter((other) => other < time + limits.linkMs)
          expect(within.length).toBeLessThanOrEqual(2 * limits.linkTries)
        }
      }
    }),
    { numRuns: 1_000 },
  )
})

test('more offers than there is room for are told to wait; old ones make room', () => {
  let now = 1
  const linking = new Linking({ now: () => now })
  const offer = (): unknown => linking.offer(bytes(32), bytes(33), bytes(16))
  for (let n = 0; n < 20_000; n += 1) offer()
  expect(codeOf(offer)).toBe('relay.tooManyRequests')
  now += limits.linkMs
  expect(codeOf(offer)).toBe('ok')
})
