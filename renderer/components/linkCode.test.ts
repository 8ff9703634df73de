import fc from 'fast-check'
import { expect, test } from 'vitest'
import { codeGroups, readLinkCode } from './linkCode.ts'

const code = fc.string({
  unit: fc.constantFrom(...'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'),
  minLength: 20,
  maxLength: 20,
})

test('a code may be typed in groups and in small letters', () => {
  fc.assert(
    fc.property(code, fc.constantFrom(' ', '-', ' - ', '\u00a0', ''), (one, between) => {
      expect(readLinkCode(codeGroups(one).join(between).toLowerCase())).toEqual({
        kind: 'complete',
        code: one,
      })
      expect(codeGroups(one)).toHaveLength(5)
    }),
  )
})

test('what is missing or too much is counted', () => {
  expect(readLinkCode(' - ')).toEqual({ kind: 'empty' })
  expect(readLinkCode('ABCD EFGH')).toEqual({ kind: 'missing', count: 12 })
  expect(readLinkCode('A'.repeat(22))).toEqual({ kind: 'excess', count: 2 })
})
