import { expect, test } from 'vitest'
import { loginUid, operatorContext, userName } from './actor.ts'

test('who logged in is told from who nobody logged in as', () => {
  expect(['1000', '1000\n', '0', '4294967295', '', '-1', 'x', '99999999999'].map(loginUid)).toEqual([
    1000,
    1000,
    0,
    null,
    null,
    null,
    null,
    null,
  ])
})

test('a user has a name, or a number where the machine knows none', () => {
  const passwd = 'root:x:0:0:root:/root:/bin/sh\nanna:x:1000:1000::/home/anna:/bin/sh\n'
  expect([0, 1000, 1001, 100].map((uid) => userName(uid, passwd))).toEqual([
    'root',
    'anna',
    'uid 1001',
    'uid 100',
  ])
})

test('there is always somebody', () => {
  const { by } = operatorContext({ now: () => 7 })
  expect(by.kind).toBe('operator')
  expect(by.name).not.toBe('')
})
