import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { calls } from '../contract/index.ts'
import { answerLine, lineCharacters, methods, readLine, refusalLine } from './rpc.ts'

const request = (parts: object): string => JSON.stringify({ jsonrpc: '2.0', id: 1, ...parts })

describe('a line of requests', () => {
  it('is understood as a call of the contract', () => {
    expect(readLine(request({ method: 'connection.retry' }), 'p')).toEqual({
      kind: 'call',
      id: 1,
      name: 'connection.retry',
      input: {},
    })
  })

  it('cannot carry a passphrase, and what makes a vault gets the one that was given apart', () => {
    expect(methods.has('vault.unlock')).toBe(false)
    expect([...methods].every((name) => Object.hasOwn(calls, name))).toBe(true)
    const params = { invitation: 'i', deviceName: 'x', protection: { kind: 'osKeyStore' } }
    expect(readLine(request({ method: 'enrolment.complete', params }), 'secret')).toMatchObject({
      kind: 'call',
      input: { protection: { kind: 'passphrase', passphrase: 'secret' } },
    })
    const link = { relay: 'r', deviceName: 'x', protection: { kind: 'osKeyStore' } }
    expect(readLine(request({ method: 'link.begin', params: link }), 'secret')).toMatchObject({
      kind: 'call',
      input: { protection: { kind: 'passphrase', passphrase: 'secret' } },
    })
  })

  it.each([
    ['not JSON', '{', -32_700, null],
    ['no request', '[1]', -32_600, null],
    ['another version', JSON.stringify({ id: 1, method: 'state.snapshot' }), -32_600, null],
    ['an unknown method', request({ method: 'vault.unlock' }), -32_601, 1],
    ['a method of the prototype', request({ method: 'constructor' }), -32_601, 1],
    ['wrong parameters', request({ method: 'message.send', params: { text: 1 } }), -32_602, 1],
    ['too much', `"${'x'.repeat(lineCharacters)}"`, -32_600, null],
  ])('is refused with a code: %s', (_, line, code, id) => {
    expect(readLine(line, 'p')).toMatchObject({ kind: 'refused', id, error: { code } })
  })

  it('is never answered when it is a notification', () => {
    const line = JSON.stringify({ jsonrpc: '2.0', method: 'nonsense' })
    const incoming = readLine(line, 'p')
    if (incoming.kind !== 'refused') throw new Error('understood')
    expect(refusalLine(incoming)).toBeNull()
  })

  it('is read without a throw, whatever it is', () => {
    const anything = fc.oneof(
      fc.string(),
      fc.json(),
      fc
        .record({
          jsonrpc: fc.constant('2.0'),
          id: fc.anything(),
          method: fc.string(),
          params: fc.anything(),
        })
        .map(
          (value) =>
            JSON.stringify(value, (_key, part: unknown) => (typeof part === 'bigint' ? null : part)) ?? '',
        ),
    )
    fc.assert(
      fc.property(anything, (line) => {
        const incoming = readLine(line, 'secret passphrase')
        if (incoming.kind === 'refused') expect(JSON.stringify(incoming)).not.toContain('secret passphrase')
      }),
      { numRuns: 1_000 },
    )
  })

  it('answers errors with their code and a sentence', () => {
    const error = { code: 'message.empty', details: {} } as const
    expect(JSON.parse(answerLine(7, { ok: false, error }, () => 'Rien à envoyer.'))).toEqual({
      jsonrpc: '2.0',
      id: 7,
      error: { code: -32_000, message: 'Rien à envoyer.', data: error },
    })
  })
})
