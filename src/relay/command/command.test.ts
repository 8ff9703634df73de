import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { verdictOf } from '../../wire/generation.ts'
import { parseInvitation } from '../../wire/invitation.ts'
import { call, enrolDevice } from '../testing/client.ts'
import { TestClient } from '../testing/sockets.ts'
import { execute } from './execute.ts'
import { renewedTls, testTls } from '../testing/tls.ts'
import { bundleRelay, type ProgramResult, type RelayProgram } from '../testing/program.ts'

let program: RelayProgram
let folder: string
let data: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'valise-command-'))
  data = join(folder, 'relay')
  program = await bundleRelay()
})

afterAll(async () => {
  await program.remove()
  await rm(folder, { recursive: true, force: true })
})

const english = { LC_ALL: 'C' }

/** The same code without the time that a process of its own takes to start. */
async function inProcess(
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<ProgramResult> {
  const lines = { out: '', error: '' }
  const exitCode = await execute(args, {
    language: 'en',
    out: (line) => (lines.out += line),
    error: (line) => (lines.error += line),
    ended: Promise.resolve(),
    version: '0.0.0',
    environment,
    onReload: () => undefined,
  })
  return { exitCode, ...lines }
}

test('init, run, invite and renew work together, and what they write is the owner’s alone', async () => {
  const init = await program.run(['init', '--data', data, '--name', 'Préfecture'], { LC_ALL: 'fr_FR.UTF-8' })
  expect(init.error).toBe('')
  expect(init.exitCode).toBe(0)
  expect(init.out).toContain('Déplacez ce fichier')
  const trustRoot = join(data, 'offline', 'trust-root.key')
  for (const name of ['relay.json', 'server-certificate.json', 'zkgroup.params', 'offline/trust-root.key']) {
    expect((await stat(join(data, name))).mode & 0o777).toBe(0o600)
  }
  expect((await stat(data)).mode & 0o777).toBe(0o700)

  const relay = await program.listen(data)
  const json = await program.run([
    'invite',
    '--data',
    data,
    '--name',
    'Aïcha',
    '--address',
    relay.address,
    '--json',
  ])
  const invitation: unknown = JSON.parse(json.out)
  const text =
    typeof invitation === 'object' && invitation !== null && 'text' in invitation
      ? String(invitation.text)
      : ''
  const { code, address } = parseInvitation(text)
  expect(address).toBe(relay.address)
  const device = await enrolDevice(relay.address, code)
  const { token } = await TestClient.connect(relay.address, device)
  const before = await call(relay.address, 'certificate', { token })

  const signerBefore = await readFile(join(data, 'server-certificate.json'), 'utf8')
  expect((await program.run(['renew-certificate', '--data', data, '--trust-root', trustRoot])).exitCode).toBe(
    0,
  )
  const after = await call(relay.address, 'certificate', { token })
  expect(await readFile(join(data, 'server-certificate.json'), 'utf8')).not.toBe(signerBefore)
  expect(after.certificate).not.toBe(before.certificate)

  const second = await program.run(['run', '--data', data, '--port', '0'], english)
  expect(second).toMatchObject({ exitCode: 3, out: '' })
  expect(second.error).toContain('already running')
  const port = new URL(relay.address).port
  await program.run(['init', '--data', join(folder, 'other'), '--name', 'X'])
  const taken = await program.run(['run', '--data', join(folder, 'other'), '--port', port], english)
  expect(taken.exitCode).toBe(4)
  expect(await relay.kill('SIGTERM')).toBe(0)
  expect(relay.log()).toContain('relay stopped')
  for (const secret of ['Aïcha', token, device.accountId, code]) expect(relay.log()).not.toContain(secret)
})

test('an invitation for a person who reads it', async () => {
  const { out, exitCode } = await program.run(
    ['invite', '--data', data, '--name', 'Zoé', '--address', 'http://127.0.0.1:9'],
    english,
  )
  expect(exitCode).toBe(0)
  expect(out).toMatch(/^Invitation of Zoé, .*\nvalise:[\w-]+\nCode of this invitation: (\w{4}-){2}\w{4}\n$/)
})

test('a person who has lost the only device is invited again; a frozen device is released', async () => {
  const relay = await program.listen(data)
  const invite = async (...args: string[]): Promise<{ code: string; accountId: string }> => {
    const { out } = await inProcess(['invite', '--data', data, '--address', relay.address, '--json', ...args])
    return invitationSchema.parse(JSON.parse(out))
  }
  const { code, accountId } = await invite('--name', 'Zoé')
  const lost = await enrolDevice(relay.address, code)
  const again = await invite('--account', accountId)
  expect(again.accountId).toBe(accountId)
  const device = await enrolDevice(relay.address, again.code)
  expect(device.accountId).toBe(accountId)
  const gone = new TestClient(relay.address)
  await gone.prove(lost)
  await gone.next('refusal')
  const held = await TestClient.connect(relay.address, device)
  const copy = new TestClient(relay.address)
  await copy.prove(device, { holder: new Uint8Array(16) })
  expect(await held.next('refusal')).toMatchObject({ code: 'device.frozen' })
  const release = ['release', '--data', data, '--account', accountId, '--device']
  expect((await inProcess([...release, '2'])).exitCode).toBe(2)
  const { exitCode, out } = await inProcess([...release, '1'])
  expect([exitCode, out]).toEqual([0, expect.stringContaining('treated as a copy')])
  const released = await TestClient.connect(relay.address, device)
  expect(verdictOf(released.welcome.verdict)).toBe('foreign')
  const readable = await inProcess([
    'invite',
    '--data',
    data,
    '--address',
    relay.address,
    '--account',
    accountId,
  ])
  expect(readable.out).toContain('Zoé')
  await relay.kill('SIGTERM')
  expect(relay.log()).not.toContain(accountId)
})

const invitationSchema = z.object({ code: z.string(), accountId: z.string() })
const nobody = '00000000-0000-4000-8000-000000000000'

const wrong: [string, (files: { data: string; folder: string }) => string[], number][] = [
  ['no such command', () => ['launch'], 2],
  ['an unknown option', () => ['init', '--data', 'x', '--name', 'y', '--force'], 2],
  ['a missing option', () => ['run', '--port', '0'], 2],
  ['a port beyond the last', ({ data: d }) => ['run', '--data', d, '--port', '65536'], 2],
  [
    'a host beyond loopback without TLS',
    ({ data: d }) => ['run', '--data', d, '--port', '0', '--host', '0.0.0.0'],
    4,
  ],
  [
    'an address beyond loopback without TLS',
    ({ data: d }) => ['invite', '--data', d, '--name', 'A', '--address', 'http://relay.example'],
    4,
  ],
  [
    'an https address without a certificate',
    ({ data: d }) => ['invite', '--data', d, '--name', 'A', '--address', 'https://relay.example'],
    2,
  ],
  [
    'an address that is none',
    ({ data: d }) => ['invite', '--data', d, '--name', 'A', '--address', 'relay'],
    2,
  ],
  [
    'a name with a line break',
    ({ data: d }) => ['invite', '--data', d, '--name', 'A\nB', '--address', 'http://127.0.0.1:9'],
    2,
  ],
  [
    'an empty name',
    ({ data: d }) => ['invite', '--data', d, '--name', ' ', '--address', 'http://127.0.0.1:9'],
    2,
  ],
  [
    'an invitation for an account that does not exist',
    ({ data: d }) => ['invite', '--data', d, '--account', nobody, '--address', 'http://127.0.0.1:9'],
    2,
  ],
  [
    'an account that is none',
    ({ data: d }) => ['invite', '--data', d, '--account', 'Zoé', '--address', 'http://127.0.0.1:9'],
    2,
  ],
  [
    'another name for an account',
    ({ data: d }) => [
      'invite',
      '--data',
      d,
      '--account',
      nobody,
      '--name',
      'A',
      '--address',
      'http://127.0.0.1:9',
    ],
    2,
  ],
  [
    'the release of a device that does not exist',
    ({ data: d }) => ['release', '--data', d, '--account', nobody, '--device', '1'],
    2,
  ],
  [
    'the release of no device',
    ({ data: d }) => ['release', '--data', d, '--account', nobody, '--device', '0'],
    2,
  ],
  ['a folder without a relay', ({ folder: f }) => ['run', '--data', join(f, 'nothing'), '--port', '0'], 3],
  [
    'a trust root into a folder that does not exist',
    ({ folder: f }) => [
      'init',
      '--data',
      join(f, 'new'),
      '--name',
      'X',
      '--trust-root-out',
      join(f, 'nothing', 'root.key'),
    ],
    2,
  ],
  ['init on a folder that is used', ({ data: d }) => ['init', '--data', d, '--name', 'X'], 3],
  [
    'another relay’s trust root',
    ({ data: d, folder: f }) => [
      'renew-certificate',
      '--data',
      d,
      '--trust-root',
      join(f, 'other', 'offline', 'trust-root.key'),
    ],
    3,
  ],
  [
    'a trust root that is none',
    ({ data: d }) => ['renew-certificate', '--data', d, '--trust-root', join(d, 'relay.json')],
    3,
  ],
  [
    'TLS with files that do not exist',
    ({ data: d }) => ['run', '--data', d, '--port', '0', '--certificate', 'a', '--key', 'b'],
    2,
  ],
  [
    'TLS with files that are no certificate',
    ({ data: d }) => [
      'run',
      '--data',
      d,
      '--port',
      '0',
      '--certificate',
      join(d, 'relay.json'),
      '--key',
      join(d, 'relay.json'),
    ],
    2,
  ],
]

test.each(wrong)('%s is refused with a sentence and changes nothing', async (_name, args, expected) => {
  const before = await readdir(data)
  const result = await inProcess(args({ data, folder }))
  expect({ exitCode: result.exitCode, out: result.out }).toEqual({ exitCode: expected, out: '' })
  expect(result.error.length).toBeGreaterThan(20)
  expect(result.error).not.toMatch(/ {4}at |Error:|\.ts|\.js/)
  expect((await readdir(data)).filter((name) => !name.startsWith('relay.lock'))).toEqual(
    before.filter((name) => !name.startsWith('relay.lock')),
  )
})

test('a file of settings and the environment name the relay; the command line stands above both', async () => {
  const config = join(folder, 'relay.toml')
  await writeFile(config, 'data = "relay"\naddress = "http://127.0.0.1:7"\n')
  const invite = ['invite', '--name', 'Léa', '--json']
  const addressOf = async (args: readonly string[], environment = {}): Promise<string> => {
    const { out, error } = await inProcess(args, environment)
    expect(error).toBe('')
    return parseInvitation(z.object({ text: z.string() }).parse(JSON.parse(out)).text).address
  }
  expect(await addressOf([...invite, '--config', config])).toBe('http://127.0.0.1:7')
  const environment = { VALISE_RELAY_CONFIG: config, VALISE_RELAY_ADDRESS: 'http://127.0.0.1:8' }
  expect(await addressOf(invite, environment)).toBe('http://127.0.0.1:8')
  expect(await addressOf([...invite, '--address', 'http://127.0.0.1:9'], environment)).toBe(
    'http://127.0.0.1:9',
  )
})

test('a setting that does not exist is refused with its line and the name that was meant', async () => {
  const config = join(folder, 'wrong.toml')
  await writeFile(config, 'data = "relay"\n\n[lisen]\nport = 1\n')
  const { exitCode, error } = await inProcess(['run', '--config', config])
  expect(exitCode).toBe(2)
  for (const part of ['lisen.port', 'Line 4', 'listen.port']) expect(error).toContain(part)
})

test('help shows every command and setting; the example is a file that changes nothing', async () => {
  const { out } = await inProcess(['help'])
  for (const name of ['renew-certificate', '--tls-ends-at-proxy', 'VALISE_RELAY_LISTEN_PORT'])
    expect(out).toContain(name)
  const example = await inProcess(['example-config'])
  expect(example.out).toContain('# trusted = [ "10.0.0.0/8" ]')
})

test('a renewed certificate is taken at SIGHUP', async () => {
  const place = join(folder, 'renewed')
  await inProcess(['init', '--data', place, '--name', 'X'])
  const [certificate, key] = [join(folder, 'relay.pem'), join(folder, 'relay.key')]
  await writeFile(certificate, testTls.certificate)
  await writeFile(key, testTls.key)
  const relay = await program.listen(place, ['--certificate', certificate, '--key', key])
  await writeFile(certificate, renewedTls.certificate)
  relay.process.kill('SIGHUP')
  await expect.poll(() => relay.log()).toContain('tls certificate read')
  expect(await relay.kill('SIGTERM')).toBe(0)
})

test('status tells what a relay does, and that it is not running; backup and restore say what is theirs', async () => {
  const place = join(folder, 'watched')
  await inProcess(['init', '--data', place, '--name', 'X'])
  const asleep = await inProcess(['status', '--data', place])
  expect([asleep.exitCode, asleep.error]).toEqual([3, expect.stringContaining('No relay is running')])
  const relay = await program.listen(place)
  const awake = await inProcess(['status', '--data', place])
  expect(awake.exitCode).toBe(0)
  for (const part of [relay.address, 'Ready', 'No backup']) expect(awake.out).toContain(part)

  const [to, keys, phrase] = ['copy.db', 'keys.json', 'phrase'].map((name) => join(folder, name))
  const args = ['backup', '--data', place, '--to', to ?? '']
  expect((await inProcess(args)).out).toContain('NOT part of it')
  await writeFile(phrase ?? '', 'too short\n')
  const sealed = [...args.slice(0, -1), `${to}2`, '--keys-to', keys ?? '', '--passphrase-file', phrase ?? '']
  expect((await inProcess(sealed)).exitCode).toBe(2)
  await writeFile(phrase ?? '', 'douze lettres au moins\n')
  expect((await inProcess(sealed)).out).toContain('encrypted with the passphrase')
  expect(JSON.parse((await inProcess(['status', '--data', place, '--json'])).out)).toMatchObject({
    running: [{ ready: true }],
    lastBackup: { bytes: (await stat(to ?? '')).size },
  })
  expect(await relay.kill('SIGTERM')).toBe(0)

  const back = ['restore', '--data', join(folder, 'back'), '--from', to ?? '']
  const from = ['--keys-from', keys ?? '', '--passphrase-file', phrase ?? '']
  expect((await inProcess(back)).exitCode).toBe(3)
  expect((await inProcess([...back, ...from])).out).toContain('repeat revocations')
  const restored = await program.listen(join(folder, 'back'))
  expect(await restored.kill('SIGTERM')).toBe(0)
})

test('the option that names a missing folder is told', async () => {
  const args = ['init', '--data', join(folder, 'new'), '--name', 'X', '--trust-root-out']
  const { error } = await inProcess([...args, join(folder, 'nothing', 'root.key')])
  expect(error).toContain('--trust-root-out')
})

test('a damaged folder is named as such', async () => {
  const damaged = join(folder, 'damaged')
  await inProcess(['init', '--data', damaged, '--name', 'X'])
  await writeFile(join(damaged, 'relay.db'), 'this is no database, whatever its name says'.repeat(100))
  const result = await inProcess(['run', '--data', damaged, '--port', '0'])
  expect(result.exitCode).toBe(3)
  expect(result.error).toContain('damaged')
  expect(await readFile(join(damaged, 'relay.db'), 'utf8')).toContain('no database')
})
