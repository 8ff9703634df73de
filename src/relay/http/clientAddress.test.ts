import fc from 'fast-check'
import { expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { networkList } from '../settings/networks.ts'
import { anonymousSocketPath } from '../../wire/http.ts'
import { ask } from '../testing/client.ts'
import { relayFixture } from '../testing/fixture.ts'
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

test('an IPv6 address counts with all others of its /64', () => {
  const of = (peer: string): string => clientAddress(peer, undefined, nobodyTrusted)
  expect(of('2001:db8:0:7::1')).toBe('2001:db8:0:7::/64')
  expect(of('2001:0db8:0000:0007:1:2:3:4')).toBe('2001:db8:0:7::/64')
  expect(of('2001:db8::7:1:2:3:4')).toBe('2001:db8:0:7::/64')
  expect(of('2001:db8:0:8::1')).toBe('2001:db8:0:8::/64')
  expect(of('fe80::1%eth0')).toBe('fe80:0:0:0::/64')
  expect(of('::1')).toBe('0:0:0:0::/64')
  expect(of('2001:db8::192.0.2.1')).toBe('2001:db8:0:0::/64')
  expect(of('64:ff9b:1:2:3:4:192.0.2.1')).toBe('64:ff9b:1:2::/64')
  expect(of('::ffff:192.0.2.1')).toBe('::ffff:192.0.2.1')
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

test.each([
  [['127.0.0.0/8'], [200, 429, 200, 101, 429, 101]],
  [[], [200, 429, 429, 101, 429, 429]],
])(
  'budgets by address count what a trusted proxy says, and nobody else (%j)',
  async (trustedProxies, expected) => {
    const once = { requests: 1, perMs: 3_600_000 }
    const fixture = await relayFixture({
      host: '0.0.0.0',
      tlsEndsAtProxy: true,
      trustedProxies,
      budgets: { address: once, upgrade: once },
    })
    const address = fixture.address.replace('0.0.0.0', '127.0.0.1')
    const places = ['203.0.113.1', '203.0.113.1', '203.0.113.2']
    const statuses: number[] = []
    for (const place of places) {
      const answer = await ask(address, 'GET', '/v1/anchors', { headers: { 'x-forwarded-for': place } })
      statuses.push(answer.status)
    }
    for (const place of places) statuses.push(await upgraded(address, place))
    expect(statuses).toEqual(expected)
    await fixture.end()
  },
)

/** The status that a handshake is answered with. */
async function upgraded(address: string, place: string): Promise<number> {
  const socket = new WebSocket(address.replace('http', 'ws') + anonymousSocketPath, {
    headers: { 'x-forwarded-for': place },
  })
  const status = await new Promise<number>((resolve) => {
    socket.once('open', () => resolve(101))
    socket.once('unexpected-response', (_request, response) => resolve(response.statusCode ?? 0))
    socket.on('error', () => undefined)
  })
  socket.terminate()
  return status
}
