import { expect, test } from 'vitest'
import { avatarTint, initials } from './avatarLook.ts'
import { target } from './roving.ts'

test('initials: first and last word, letters only, whole characters', () => {
  expect(initials('Aïssatou Kermorvan')).toBe('AK')
  expect(initials('Inès Mahjoubi-Lartigue')).toBe('IM')
  expect(initials('Élodie de La Tour')).toBe('ÉT')
  expect(initials('« Permanence »')).toBe('P')
  expect(initials('')).toBe('')
})

test('a tint belongs to an account and all six occur', () => {
  const tints = Array.from({ length: 60 }, (_, n) =>
    avatarTint(`00000000-0000-4000-8000-${String(n).padStart(12, '0')}`),
  )
  expect(new Set(tints)).toEqual(new Set([1, 2, 3, 4, 5, 6]))
})

test('keys lead inside the list and never out of it', () => {
  expect(target('ArrowDown', 4, 5)).toBe(4)
  expect(target('ArrowUp', 0, 5)).toBe(0)
  expect(target('PageDown', 1, 30)).toBe(11)
  expect(target('PageUp', 3, 30)).toBe(0)
  expect(target('End', 0, 5)).toBe(4)
  expect(target('a', 0, 5)).toBeNull()
})
