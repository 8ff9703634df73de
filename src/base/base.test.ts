import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  concatBytes,
  fromBase64Url,
  fromHex,
  fromUuid,
  sameBytes,
  toBase64Url,
  toHex,
  toUuid,
} from './bytes.ts'
import { systemClock } from './clock.ts'
import { CodedError, errorCodes, isErrorCode, reportOf } from './errors.ts'
import { exhausted } from './exhaustive.ts'
import { SerialQueue } from './serialQueue.ts'

const bytes = fc.uint8Array({ maxLength: 64 })

describe('bytes', () => {
  it('come back from every text form, and only from the canonical text', () => {
    fc.assert(
      fc.property(bytes, (value) => {
        expect(fromHex(toHex(value))).toEqual(value)
        expect(fromBase64Url(toBase64Url(value))).toEqual(value)
      }),
    )
    fc.assert(
      fc.property(fc.string({ maxLength: 12 }), (text) => {
        const read = fromBase64Url(text)
        if (read !== null) expect(toBase64Url(read)).toBe(text)
        const hex = fromHex(text)
        if (hex !== null) expect(toHex(hex)).toBe(text)
      }),
    )
    for (const text of ['AB', 'abc', '0g', ' 00']) expect(fromHex(text)).toBeNull()
    // Padding, the other alphabet, stray bits behind the last byte.
    for (const text of ['AA==', 'a+/b', 'AB', 'A']) expect(fromBase64Url(text)).toBeNull()
  })

  it('are UUIDs in their canonical form only', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), (value) => {
        const text = toUuid(value)
        expect(text).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)
        expect(fromUuid(text ?? '')).toEqual(value)
        expect(fromUuid((text ?? '').replaceAll('-', ''))).toBeNull()
      }),
    )
    expect(toUuid(new Uint8Array(15))).toBeNull()
    expect(fromUuid('0B4CF2B1-6A55-4D0E-9D3B-111111111111')).toBeNull()
  })

  it('are joined in order and compared by content', () => {
    expect(concatBytes(Uint8Array.of(1, 2), new Uint8Array(0), Uint8Array.of(3))).toEqual(
      Uint8Array.of(1, 2, 3),
    )
    expect(sameBytes(Uint8Array.of(1, 2), Uint8Array.of(1, 2))).toBe(true)
    expect(sameBytes(Uint8Array.of(1, 2), Uint8Array.of(1, 3))).toBe(false)
    expect(sameBytes(Uint8Array.of(1), Uint8Array.of(1, 2))).toBe(false)
  })
})

describe('errors', () => {
  it('carry their code and nothing else across a process', () => {
    const error = new CodedError('vault.passphraseWait', { seconds: 30 }, { cause: new Error('secret') })
    expect(error.message).toBe('vault.passphraseWait')
    expect(reportOf(error)).toEqual({ code: 'vault.passphraseWait', details: { seconds: 30 } })
    expect(reportOf(new TypeError('secret'))).toEqual({ code: 'internal', details: {} })
    expect(reportOf('secret')).toEqual({ code: 'internal', details: {} })
  })

  it('have each code once', () => {
    expect(new Set(errorCodes).size).toBe(errorCodes.length)
    expect(isErrorCode('vault.wrongKey')).toBe(true)
    for (const name of ['vault.wrongkey', 'toString', '']) expect(isErrorCode(name)).toBe(false)
  })

  it('end a switch that forgot a case, without its value', () => {
    expect(() => exhausted('secret' as never)).toThrow('unhandled case: string')
  })
})

describe('a serial queue', () => {
  it('runs one task at a time, in order, and goes on after a failure', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.boolean(), fc.nat({ max: 3 })), { maxLength: 20 }),
        async (tasks) => {
          const queue = new SerialQueue()
          const ended: number[] = []
          let running = 0
          let mostRunning = 0
          const results = tasks.map(([fails, turns], n) =>
            queue
              .run(async () => {
                mostRunning = Math.max(mostRunning, ++running)
                for (let turn = 0; turn < turns; turn++) await Promise.resolve()
                running -= 1
                ended.push(n)
                if (fails) throw new Error(String(n))
                return n
              })
              .catch((error: unknown) => (error instanceof Error ? error.message : 'not an error')),
          )
          await queue.idle()
          expect(ended).toEqual(tasks.map((_, n) => n))
          expect(mostRunning).toBeLessThanOrEqual(1)
          expect(await Promise.all(results)).toEqual(tasks.map(([fails], n) => (fails ? String(n) : n)))
        },
      ),
    )
  })
})

describe('the system clock', () => {
  it('tells milliseconds since the epoch', () => {
    const [before, told, after] = [Date.now(), systemClock.now(), Date.now()]
    expect(told).toBeGreaterThanOrEqual(before)
    expect(told).toBeLessThanOrEqual(after)
  })
})
