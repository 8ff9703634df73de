import { expect, test } from 'vitest'
import { operatorContext, operatorName, personContext } from './actor.ts'

const uidMap = '         0          0 4294967295\n'
const passwd = 'root:x:0:0:root:/root:/bin/sh\nanna:x:1000:1000::/home/anna:/bin/sh\n'

test('who logged in has a name, or a number where the machine knows none', () => {
  const named = ['0', '1000', '1000\n', '1001', '100'].map((uid) => operatorName({ uid, uidMap, passwd }))
  expect(named).toEqual(['root', 'anna', 'anna', 'uid 1001', 'uid 100'])
})

test('nobody is known where nobody logged in', () => {
  for (const uid of ['4294967295', '', '-1', 'x', '99999999999'])
    expect(operatorName({ uid, uidMap, passwd })).toBeNull()
})

test('nobody is known where users are not the machine’s', () => {
  for (const map of ['', '0 1000 1\n', '0 0 65536\n', '1000 0 4294967295\n', `${uidMap}1 2 3\n`])
    expect(operatorName({ uid: '1000', uidMap: map, passwd })).toBeNull()
})

test('an act has always an author; a bulk read needs one who is known, whatever the environment says', () => {
  const before = process.env['SUDO_USER']
  process.env['SUDO_USER'] = 'somebody'
  try {
    expect(operatorContext({ now: () => 7 })).toEqual({
      by: { kind: 'operator', name: expect.not.stringMatching(/^(somebody)?$/) },
      now: 7,
    })
    expect(() => personContext({ uid: '4294967295', uidMap, passwd })).toThrow('approval.unknownPerson')
    const known = personContext({ uid: '1000', uidMap, passwd }, { now: () => 7 })
    expect(known).toEqual({ by: { kind: 'operator', name: 'anna' }, now: 7 })
  } finally {
    if (before === undefined) delete process.env['SUDO_USER']
    else process.env['SUDO_USER'] = before
  }
})
