import { expect, test } from 'vitest'
import { passphraseProblem, readInvitation, words } from './plan.ts'

test('an invitation may be folded, a code may have hyphens and spaces', () => {
  expect(readInvitation(' valise:AbC\r\n dEf ', false)).toEqual({
    kind: 'complete',
    invitation: 'valise:AbCdEf',
  })
  expect(readInvitation('k7qm-24xd 9plá'.replace('á', 'a'), true)).toEqual({
    kind: 'complete',
    invitation: 'K7QM24XD9PLA',
  })
  expect(readInvitation('K7QM-24XD-9', true)).toEqual({ kind: 'codeShort', missing: 3 })
  expect(readInvitation('K7QM-24XD-9PLAB', true)).toEqual({ kind: 'codeLong', extra: 1 })
  expect(readInvitation('valise:AbC', true)).toEqual({ kind: 'complete', invitation: 'valise:AbC' })
})

test('a bare code does not enrol where no relay is fixed', () => {
  expect(readInvitation('K7QM24XD9PLA', false)).toEqual({ kind: 'notAnInvitation' })
  expect(readInvitation(' \n', false)).toEqual({ kind: 'empty' })
})

test('a passphrase is counted in characters that people see, and typed twice', () => {
  expect(passphraseProblem('été-🙂', 'été-🙂', 5)).toBeNull()
  expect(passphraseProblem('été-🙂', 'été-🙂', 6)).toEqual({ kind: 'short', missing: 1 })
  expect(passphraseProblem('abcdef', '', 6)).toEqual({ kind: 'unconfirmed' })
  expect(passphraseProblem('abcdef', 'abcdeg', 6)).toEqual({ kind: 'differs' })
  expect(words('cinq mots bien assez longs')).toBe(5)
  expect(words('')).toBe(0)
})
