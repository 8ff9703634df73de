import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect, createServer as createSecureServer } from 'node:tls'
import { afterAll, describe, expect, it } from 'vitest'
import type { TlsFiles } from './testing/relayProcess.ts'
import { setting } from './testing/setting.ts'
import { until } from './testing/workstation.ts'

const folder = mkdtempSync(join(tmpdir(), 'valise-tls-'))

function selfSigned(name: string): TlsFiles {
  const files = { certificate: join(folder, `${name}.pem`), key: join(folder, `${name}.key`) }
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  const out = ['-subj', '/CN=localhost', '-days', '2', '-keyout', files.key, '-out', files.certificate]
  execFileSync('openssl', ['req', '-x509', ...curve, ...out], { stdio: 'ignore' })
  return files
}

const other = selfSigned('other')
const files = selfSigned('relay')
const here = setting(() => files)

afterAll(() => {
  rmSync(folder, { recursive: true })
})

describe('a relay behind TLS', () => {
  it('is known by the pin of the invitation, with a certificate of no authority', async () => {
    const [a, b] = [await here.enrolled('Solène'), await here.enrolled('Aïssatou')]
    await a.send(await a.openConversation(b), 'sous TLS')
    await until(async () => (await b.texts(await a.accountId())).length === 1)
  })

  it('is not logged in to through a channel that somebody opens on the way, even with its own key', async () => {
    const { certificate, key } = files
    const inTheMiddle = createSecureServer(
      { cert: readFileSync(certificate), key: readFileSync(key) },
      (device) => {
        const { port } = new URL(here.relay.address)
        const relay = connect({ port: Number(port), host: '127.0.0.1', rejectUnauthorized: false })
        for (const socket of [device, relay]) socket.on('error', () => undefined)
        device.pipe(relay).pipe(device)
      },
    )
    await new Promise<void>((done) => inTheMiddle.listen(0, '127.0.0.1', done))
    const { port } = inTheMiddle.address() as AddressInfo
    const station = await here.fresh()
    const invitation = await here.relay.invite('Maëlle', certificate, `https://127.0.0.1:${port}`)
    await station.enrol(invitation)
    await until(async () => {
      const { connection } = await station.ready()
      return connection.state === 'offline' && connection.error?.code === 'relay.channel'
    })
    inTheMiddle.close()
  })

  it('is refused under another key, before a byte of the request has left', async () => {
    const station = await here.fresh()
    const invitation = await here.relay.invite('Quelqu’un', other.certificate)
    expect(await station.refusal('enrolment.inspect', { invitation })).toBe('relay.certificate')
    const protection = { kind: 'osKeyStore' } as const
    expect(await station.refusal('enrolment.complete', { invitation, deviceName: 'X', protection })).toBe(
      'relay.certificate',
    )
    expect(readdirSync(station.folder)).toEqual([])
  })

  it('is unreachable where nobody listens, or where no TLS is spoken', async () => {
    const station = await here.fresh()
    const silent = createServer((socket) => socket.end('no\n'))
    const invitation = await here.relay.invite('Quelqu’un')
    await here.relay.kill('SIGTERM')
    try {
      expect(await station.refusal('enrolment.inspect', { invitation })).toBe('relay.unreachable')
      const port = Number(new URL(here.relay.address).port)
      await new Promise<void>((done) => silent.listen(port, '127.0.0.1', done))
      expect(await station.refusal('enrolment.inspect', { invitation })).toBe('relay.unreachable')
    } finally {
      silent.close()
      await here.relay.up()
    }
  })
})
