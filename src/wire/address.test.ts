import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseRelayAddress } from './address.ts'

test.each([
  ['https://relais.example', 'https://relais.example', true],
  ['https://Relais.EXAMPLE:443/', 'https://relais.example', true],
  ['https://relais.example:8443', 'https://relais.example:8443', true],
  ['http://127.0.0.1:8080', 'http://127.0.0.1:8080', false],
  ['http://[::1]:8080/', 'http://[::1]:8080', false],
  ['http://localhost:1', 'http://localhost:1', false],
])('%s is taken as %s', (text, origin, secure) => {
  expect(parseRelayAddress(text)).toEqual({ origin, secure })
})

test.each([
  'http://relais.example',
  'http://127.0.0.2',
  'http://127.0.0.1.example',
  'http://localhost.example',
  'http://10.0.0.1',
  'http://[::2]',
])('%s is not protected', (text) => {
  expect(() => parseRelayAddress(text)).toThrow('relay.insecureAddress')
})

test.each([
  '',
  'relais.example',
  'https://',
  'ftp://relais.example',
  'file:///etc/passwd',
  'javascript:alert(1)',
  'https://user@relais.example',
  'https://user:word@relais.example',
  'https://relais.example/path',
  'https://relais.example/?q=1',
  'https://relais.example/#x',
])('%s is no relay address', (text) => {
  expect(() => parseRelayAddress(text)).toThrow('invitation.malformed')
})

test('whatever is taken is canonical: https anywhere, http on loopback only', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.webUrl(),
        fc.webAuthority().map((a) => `http://${a}`),
        fc.string(),
      ),
      (text) => {
        let taken
        try {
          taken = parseRelayAddress(text)
        } catch {
          return
        }
        expect(parseRelayAddress(taken.origin)).toEqual(taken)
        expect(taken.origin).toMatch(
          taken.secure ? /^https:\/\/[^/@]+$/ : /^http:\/\/(127\.0\.0\.1|\[::1\]|localhost)(:\d+)?$/,
        )
      },
    ),
  )
})
