import { get } from 'node:https'
import { createHash } from 'node:crypto'
import type { TLSSocket } from 'node:tls'
import { WebSocket } from 'ws'
import { expect, test } from 'vitest'
import { toHex } from '../base/bytes.ts'
import { healthPath, socketPath } from '../wire/http.ts'
import { parseInvitation } from '../wire/invitation.ts'
import { createInvitation, startRelay } from './index.ts'
import { relayFixture } from './testing/fixture.ts'
import { testTls } from './testing/tls.ts'

const certificate = testTls.certificate

test('with a certificate the relay speaks TLS 1.3 only, under the key that its invitations pin', async () => {
  const { data, relay, end } = await relayFixture({ tls: testTls })
  expect(relay.address).toMatch(/^https:\/\/127\.0\.0\.1:\d+$/)
  const { text } = await createInvitation({ data, name: 'X', address: relay.address, certificate })
  const served = await new Promise<Buffer>((resolve, reject) => {
    get(relay.address + healthPath, { ca: certificate, agent: false }, (answer) => {
      const socket = answer.socket as TLSSocket
      const key = socket.getPeerX509Certificate()?.publicKey
      answer.resume()
      if (key === undefined) reject(new Error('no certificate'))
      else resolve(key.export({ type: 'spki', format: 'der' }))
    }).on('error', reject)
  })
  const pin = parseInvitation(text).tlsPin ?? new Uint8Array(0)
  expect(createHash('sha256').update(served).digest('hex')).toBe(toHex(pin))

  const socket = new WebSocket(relay.address.replace('https', 'wss') + socketPath, { ca: certificate })
  await new Promise((resolve) => socket.once('message', resolve))
  socket.terminate()
  const old = get(relay.address + healthPath, { ca: certificate, agent: false, maxVersion: 'TLSv1.2' })
  expect(await new Promise((resolve) => old.on('error', () => resolve('refused')))).toBe('refused')
  const plain = await fetch(relay.address.replace('https', 'http') + healthPath).catch(() => 'refused')
  expect(plain).toBe('refused')
  await end()
})

test('without TLS no host but loopback is taken, and files that do not belong together are refused', async () => {
  const { data, end } = await relayFixture()
  for (const host of ['0.0.0.0', '::', '10.0.0.1', 'relay.example', '']) {
    await expect(startRelay({ data, host })).rejects.toMatchObject({ code: 'relay.tlsRequired' })
  }
  for (const tls of [
    { certificate, key: 'no key' },
    { certificate: 'no certificate', key: testTls.key },
  ]) {
    await expect(startRelay({ data, tls })).rejects.toMatchObject({ code: 'argument.invalid' })
  }
  const http = createInvitation({ data, name: 'X', address: 'http://relais.example' })
  await expect(http).rejects.toMatchObject({ code: 'relay.tlsRequired' })
  const unpinned = createInvitation({ data, name: 'X', address: 'https://relais.example' })
  await expect(unpinned).rejects.toMatchObject({
    code: 'argument.invalid',
    details: { option: 'certificate' },
  })
  await end()
})
