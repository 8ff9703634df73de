import { expect, test } from 'vitest'
import { pageAddress, pageOrigin } from './address.ts'

test('browsers let authenticators sign for a name over TLS, or for this machine', () => {
  expect(pageAddress('https://relay.example:9443')).toEqual({
    origin: 'https://relay.example:9443',
    rpId: 'relay.example',
  })
  expect(pageAddress('http://localhost:9443')?.rpId).toBe('localhost')
  for (const bad of [
    'http://relay.example',
    'https://10.1.2.3',
    'https://[::1]:9443',
    'http://127.0.0.1:9443',
    'https://relay.example/admin',
    'https://relay.example:443',
    'https://anne@relay.example',
    'relay.example',
    'file:///etc',
    '',
  ])
    expect(pageAddress(bad), bad).toBeNull()
})

test('the page is under its own address, the relay’s name, or on this machine', () => {
  const place = { address: null, relay: 'https://relay.example:8443', port: 9443, secure: true }
  expect(pageOrigin(place)).toBe('https://relay.example:9443')
  expect(pageOrigin({ ...place, port: 443 })).toBe('https://relay.example')
  expect(pageOrigin({ ...place, address: 'https://admin.example' })).toBe('https://admin.example')
  for (const relay of [null, 'https://10.1.2.3:8443', 'http://127.0.0.1:8443', 'http://[::1]:8443'])
    expect(pageOrigin({ ...place, relay, secure: false })).toBe('http://localhost:9443')
})
