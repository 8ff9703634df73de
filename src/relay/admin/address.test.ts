import { expect, test } from 'vitest'
import { pageAddress, pageOrigin, pageProblem, type PagePlace } from './address.ts'

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

const place: PagePlace = {
  address: null,
  relay: 'https://relay.example:8443',
  port: 9443,
  tls: 'here',
}

test('the page is under its own address, the relay’s name, or on this machine', () => {
  expect(pageOrigin(place)).toBe('https://relay.example:9443')
  expect(pageOrigin({ ...place, port: 443 })).toBe('https://relay.example')
  expect(pageOrigin({ ...place, address: 'https://admin.example' })).toBe('https://admin.example')
  for (const relay of [null, 'http://relay.example', 'http://127.0.0.1:8443', 'http://[::1]:8443'])
    expect(pageOrigin({ ...place, relay, tls: 'none' })).toBe('http://localhost:9443')
})

test('an origin is refused that no browser signs for, or that is not of the relay’s host', () => {
  const said = (more: Partial<PagePlace>): string => {
    const problem = pageProblem({ ...place, ...more })
    return problem === null ? 'fine' : `${problem.code} ${problem.key}`
  }
  const noPage = { address: null, port: null }
  for (const fine of [
    {},
    { address: 'https://relay.example' },
    { address: 'https://relay.example:9443', tls: 'proxy' },
    { address: 'https://relay.example:9443', port: null, tls: 'proxy' },
    { address: 'https://relay.example:9443', tls: 'none' },
    { tls: 'none' },
    { tls: 'none', relay: null },
    { tls: 'none', relay: 'http://127.0.0.1:8443' },
    { tls: 'none', relay: null, address: 'http://localhost:9443' },
    { ...noPage, tls: 'proxy' },
    { ...noPage, relay: 'https://10.1.2.3' },
  ] as const)
    expect(said(fine), JSON.stringify(fine)).toBe('fine')
  expect(said({ tls: 'proxy' })).toBe('config.pageAddress admin.address')
  expect(said({ address: 'https://admin.example' })).toBe('config.pageAddress admin.address')
  expect(said({ address: 'https://relay.example.evil.example' })).toBe('config.pageAddress admin.address')
  expect(said({ address: 'https://localhost:9443' })).toBe('config.pageAddress admin.address')
  expect(said({ address: 'http://localhost:9443', tls: 'proxy' })).toBe('config.pageAddress admin.address')
  expect(said({ relay: null })).toBe('config.pageAddress address')
  expect(said({ relay: null, address: 'https://admin.example' })).toBe('config.pageAddress address')
  expect(said({ address: 'https://10.1.2.3:9443' })).toBe('config.pageNumber admin.address')
  expect(said({ address: 'https://[::1]:9443', tls: 'none' })).toBe('config.pageNumber admin.address')
  expect(said({ relay: 'https://10.1.2.3:8443' })).toBe('config.pageNumber address')
})
