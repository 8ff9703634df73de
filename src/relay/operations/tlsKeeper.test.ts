import { connect, type TLSSocket } from 'node:tls'
import { expect, test } from 'vitest'
import type { Clock } from '../../base/clock.ts'
import type { TlsFiles } from '../data/tlsFiles.ts'
import type { RelayLog } from '../log.ts'
import { relayFixture, type RelayFixture } from '../testing/fixture.ts'
import { otherTls, renewedTls, testTls } from '../testing/tls.ts'
import { statusSchema } from './status.ts'

interface Running extends RelayFixture {
  /** What the files hold now; null: they cannot be read. */
  files: TlsFiles | null
  /** Codes of the warnings of the log. */
  readonly told: string[]
}

async function running(clock?: Clock): Promise<Running> {
  const told: string[] = []
  const ignore = (): void => undefined
  const log: RelayLog = {
    info: ignore,
    debug: ignore,
    error: ignore,
    warn: (event, counts) => told.push(`${event}: ${counts?.error ?? ''}`),
  }
  const at: { files: TlsFiles | null } = { files: testTls }
  const fixture = await relayFixture({
    tls: testTls,
    log,
    operations: { host: '127.0.0.1', port: 0, version: '' },
    readTls: async () => {
      if (at.files === null) throw new Error('gone')
      return at.files
    },
    ...(clock === undefined ? {} : { clock }),
  })
  return Object.assign(at, { ...fixture, told, files: at.files as TlsFiles | null })
}

/** The serial number of the certificate that a new connection is shown. */
async function served(address: string): Promise<string> {
  const { hostname, port } = new URL(address)
  const socket: TLSSocket = connect({ host: hostname, port: Number(port), rejectUnauthorized: false })
  await new Promise((resolve, reject) => socket.once('secureConnect', resolve).once('error', reject))
  const serial = socket.getPeerX509Certificate()?.serialNumber ?? ''
  socket.destroy()
  return serial
}

async function problemOf(relay: Running): Promise<string | null> {
  const answer = await fetch(`${relay.relay.operations}/status`)
  return statusSchema.parse(await answer.json()).tls?.problem ?? null
}

test('a renewed certificate is taken without a restart; a bad pair leaves the old one and is told once', async () => {
  const relay = await running()
  const before = await served(relay.address)
  const wrong: [TlsFiles | null, string][] = [
    [null, 'tls.unreadable'],
    [{ certificate: 'none', key: testTls.key }, 'tls.malformed'],
    [{ certificate: renewedTls.certificate, key: otherTls.key }, 'tls.keyMismatch'],
    [otherTls, 'tls.keyChanged'],
  ]
  for (const [files, code] of wrong) {
    relay.files = files
    await relay.relay.reload()
    await relay.relay.reload()
    expect([await served(relay.address), await problemOf(relay)]).toEqual([before, code])
    expect(relay.told.splice(0)).toEqual([`tls certificate: ${code}`])
  }
  relay.files = renewedTls
  await relay.relay.reload()
  expect(await served(relay.address)).not.toBe(before)
  expect([await problemOf(relay), relay.told]).toEqual([null, []])
  await relay.end()
})

test('a certificate that has ended, or ends soon, is told in log, state and metric, and still served', async () => {
  const ends = Date.parse('2126-10-30T05:09:11Z')
  const clock = { now: () => ends - 86_400_000 }
  const relay = await running(clock)
  expect([await problemOf(relay), relay.told]).toEqual(['tls.expiring', ['tls certificate: tls.expiring']])
  clock.now = () => ends + 1_000
  await relay.relay.reload()
  expect([await problemOf(relay), relay.told[1]]).toEqual(['tls.expired', 'tls certificate: tls.expired'])
  const metrics = await (await fetch(`${relay.relay.operations}/metrics`)).text()
  expect(metrics).toContain('valise_relay_tls_certificate_seconds -1')
  expect(await served(relay.address)).not.toBe('')
  await relay.end()
})
