import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { RelayProcess, type TlsFiles } from './testing/relayProcess.ts'
import { until, Workstation } from './testing/workstation.ts'

const folder = mkdtempSync(join(tmpdir(), 'valise-tls-'))

function selfSigned(name: string): TlsFiles {
  const files = { certificate: join(folder, `${name}.pem`), key: join(folder, `${name}.key`) }
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  const out = ['-subj', '/CN=localhost', '-days', '2', '-keyout', files.key, '-out', files.certificate]
  execFileSync('openssl', ['req', '-x509', ...curve, ...out], { stdio: 'ignore' })
  return files
}

let relay: RelayProcess
let other: TlsFiles

beforeAll(async () => {
  other = selfSigned('other')
  relay = await RelayProcess.start(selfSigned('relay'))
})
afterAll(async () => {
  await relay.end()
  rmSync(folder, { recursive: true })
})

describe('a relay behind TLS', () => {
  it('is known by the pin of the invitation, with a certificate of no authority', async () => {
    const [a, b] = [await new Workstation().start(), await new Workstation().start()]
    try {
      await a.enrol(await relay.invite('Solène'))
      await b.enrol(await relay.invite('Aïssatou'))
      await a.send(await a.openConversation(b), 'sous TLS')
      await until(async () => (await b.texts(await a.accountId())).length === 1)
    } finally {
      await a.end()
      await b.end()
    }
  })

  it('is refused under another key, before a byte of the request has left', async () => {
    const station = await new Workstation().start()
    try {
      const invitation = await relay.invite('Quelqu’un', other.certificate)
      expect(await station.refusal('enrolment.inspect', { invitation })).toBe('relay.certificate')
      const protection = { kind: 'osKeyStore' } as const
      expect(await station.refusal('enrolment.complete', { invitation, deviceName: 'X', protection })).toBe(
        'relay.certificate',
      )
      expect(readdirSync(station.folder)).toEqual([])
    } finally {
      await station.end()
    }
  })

  it('is unreachable where nobody listens, or where no TLS is spoken', async () => {
    const station = await new Workstation().start()
    const silent = createServer((socket) => socket.end('no\n'))
    try {
      const invitation = await relay.invite('Quelqu’un')
      await relay.kill('SIGTERM')
      expect(await station.refusal('enrolment.inspect', { invitation })).toBe('relay.unreachable')
      await new Promise<void>((done) => silent.listen(Number(new URL(relay.address).port), '127.0.0.1', done))
      expect(await station.refusal('enrolment.inspect', { invitation })).toBe('relay.unreachable')
    } finally {
      silent.close()
      await relay.up()
      await station.end()
    }
  })
})
