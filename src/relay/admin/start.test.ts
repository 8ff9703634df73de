import { createServer } from 'node:net'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { reportOf } from '../../base/errors.ts'
import { initRelay, startRelay, type RelayOptions } from '../index.ts'
import { AdminClient, localPage } from '../testing/adminClient.ts'

let folder: string
let data: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'valise-start-'))
  data = join(folder, 'relay')
  await initRelay({ data, organisation: 'X' })
})

afterAll(async () => rm(folder, { recursive: true }))

async function codeOf(options: Partial<RelayOptions>): Promise<string> {
  try {
    await (await startRelay({ data, ...options })).stop()
    return 'started'
  } catch (thrown) {
    return reportOf(thrown).code
  }
}

test('a page that no browser would sign under is refused before anything starts', async () => {
  const admin = { ...localPage, relay: 'https://relay.example:8443' }
  expect(await codeOf({ tlsEndsAtProxy: true, admin })).toBe('config.pageAddress')
  expect(await codeOf({ admin: { ...admin, address: 'https://admin.example' } })).toBe('config.pageAddress')
  expect(await codeOf({ admin: { ...admin, address: 'https://10.1.2.3' } })).toBe('config.pageNumber')
  const open = { ...localPage, listen: { host: '0.0.0.0', port: 0 } }
  expect(await codeOf({ admin: open })).toBe('relay.tlsRequired')
})

test('where the port of the page is taken nothing stays behind, and the next start succeeds', async () => {
  const taken = createServer().listen(0, '127.0.0.1')
  await once(taken, 'listening')
  const bound = taken.address()
  const port = bound !== null && typeof bound === 'object' ? bound.port : 0
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const free = probe.address()
  const own = free !== null && typeof free === 'object' ? free.port : 0
  await new Promise((resolve) => probe.close(resolve))
  const options = { port: own, operations: { host: '127.0.0.1', port: 0, version: '0' } }
  const listen = { host: '127.0.0.1', port }
  expect(await codeOf({ ...options, admin: { ...localPage, listen } })).toBe('relay.portTaken')
  expect(await codeOf({ ...options, admin: localPage })).toBe('started')
  taken.close()
})

test('before sign-in a network address asks sixty times a minute, whatever it asks', async () => {
  const relay = await startRelay({ data, admin: localPage })
  const client = new AdminClient(relay.admin ?? '')
  const stepUp = 'A'.repeat(22)
  for (let n = 0; n < 30; n += 1) {
    expect(await client.code('beginSignIn')).toBe('done')
    expect(await client.code('stepUp', { body: { stepUp } })).toBe('factor.stepUp')
  }
  for (const name of ['beginSignIn', 'finishSignIn', 'beginStepUp', 'stepUp', 'beginRegistration'] as const)
    expect(await client.code(name), name).toBe('relay.tooManyRequests')
  // What a session asks is counted apart.
  expect(await client.code('session')).toBe('admin.signedOut')
  await relay.stop()
})
