import fc from 'fast-check'
import { expect, test } from 'vitest'
import { networkList } from '../settings/networks.ts'
import { clientAddress, nobodyTrusted } from './clientAddress.ts'

const trusted = networkList(['10.0.0.0/8'])

test('the header counts from its right end, as far as proxies are trusted', () => {
  const of = (peer: string, header: string | string[] | undefined): string =>
    clientAddress(peer, header, trusted)
  expect(of('10.0.0.1', '203.0.113.9')).toBe('203.0.113.9')
  expect(of('::ffff:10.0.0.1', '203.0.113.9')).toBe('203.0.113.9')
  expect(of('10.0.0.1', '198.51.100.1, 203.0.113.9, 10.0.0.2')).toBe('203.0.113.9')
  expect(of('10.0.0.1', ['198.51.100.1', '203.0.113.9'])).toBe('203.0.113.9')
  expect(of('10.0.0.1', '10.0.0.3, 10.0.0.2')).toBe('10.0.0.3')
  expect(of('10.0.0.1', undefined)).toBe('10.0.0.1')
  expect(of('10.0.0.1', '203.0.113.9, unknown')).toBe('10.0.0.1')
  expect(of('192.0.2.1', '203.0.113.9')).toBe('192.0.2.1')
})

test('whoever is not trusted cannot choose an address, and what is no address is never one', () => {
  const part = fc.oneof(fc.ipV4(), fc.ipV6(), fc.string({ maxLength: 5 }), fc.constant('10.9.9.9'))
  fc.assert(
    fc.property(fc.ipV4(), fc.array(part), (peer, parts) => {
      const header = parts.join(',')
      expect(clientAddress(peer, header, nobodyTrusted)).toBe(peer)
      const address = clientAddress('10.0.0.1', `${header},${peer}`, trusted)
      if (!trusted(peer)) expect(address).toBe(peer)
    }),
  )
})
