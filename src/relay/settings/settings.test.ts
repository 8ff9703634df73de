import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { parse } from 'smol-toml'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createRelayText } from '../../text/relay.ts'
import { exampleFile } from './document.ts'
import { lineOf } from './file.ts'
import { nearest } from './nearest.ts'
import { isNetwork, networkList } from './networks.ts'
import { readSettings, type ReadSettings } from './readSettings.ts'
import { environmentName, optionName, settingNames } from './settings.ts'

let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'valise-settings-'))
})

afterAll(async () => rm(folder, { recursive: true, force: true }))

async function read(
  toml: string | null,
  environment: Record<string, string> = {},
  options: Record<string, string> = {},
): Promise<ReadSettings> {
  const file = toml === null ? null : join(folder, 'relay.toml')
  if (file !== null) await writeFile(file, toml ?? '')
  return readSettings({ file, environment, option: (name) => options[name] })
}

test('the command line stands above the environment, that above the file, that above the table', async () => {
  const file = '[listen]\nport = 1\nhost = "a"\n[log]\nlevel = "warn"\n[proxy]\ntrusted = ["10.0.0.0/8"]\n'
  const environment = { VALISE_RELAY_LISTEN_PORT: '2', VALISE_RELAY_LISTEN_HOST: 'b' }
  const { settings, problems } = await read(file, environment, { port: '3' })
  expect(problems).toEqual([])
  expect(settings).toMatchObject({
    'listen.port': 3,
    'listen.host': 'b',
    'log.level': 'warn',
    'proxy.trusted': ['10.0.0.0/8'],
    'tls.certificate': null,
    'stop.seconds': 20,
  })
})

test('a path in the file begins at its folder; elsewhere it is taken as it stands', async () => {
  const { settings } = await read('data = "d"\n[tls]\ncertificate = "/c.pem"\n', {
    VALISE_RELAY_TLS_KEY: 'k.pem',
  })
  expect([settings.data, settings['tls.certificate'], settings['tls.key']]).toEqual([
    join(folder, 'd'),
    '/c.pem',
    'k.pem',
  ])
})

const wrong: [string, string, Record<string, string>, object][] = [
  ['no TOML', 'data = "x"\nport == 3', {}, { code: 'config.malformed', line: 2 }],
  ['a key twice', 'data = "x"\ndata = "y"', {}, { code: 'config.malformed', line: 2 }],
  [
    'an unknown key',
    '[tls]\n\nkeys = "x"',
    {},
    { code: 'config.unknownKey', key: 'tls.keys', line: 3, nearest: 'tls.key' },
  ],
  [
    'an unknown table',
    '[nothing]',
    {},
    { code: 'config.unknownKey', key: 'nothing', line: 1, nearest: null },
  ],
  ['a table for a value', '[data]\nx = 1', {}, { code: 'config.badValue', key: 'data' }],
  ['the name of no setting', '__proto__ = 3', {}, { code: 'config.unknownKey', key: '__proto__' }],
  [
    'a text for a number',
    '[listen]\nport = "80"',
    {},
    { code: 'config.badValue', key: 'listen.port', line: 2 },
  ],
  ['a port beyond the last', '[listen]\nport = 65536', {}, { code: 'config.badValue', key: 'listen.port' }],
  ['half a port', 'listen.port = 1.5', {}, { code: 'config.badValue', key: 'listen.port', line: 1 }],
  ['an empty text', 'data = " "', {}, { code: 'config.badValue', key: 'data' }],
  [
    'a network that is none',
    'proxy.trusted = ["10.0.0.0/33"]',
    {},
    { code: 'config.badValue', key: 'proxy.trusted' },
  ],
  [
    'an unknown variable',
    '',
    { VALISE_RELAY_LISTEN_PROT: '1' },
    { code: 'config.unknownKey', key: 'VALISE_RELAY_LISTEN_PROT', nearest: 'VALISE_RELAY_LISTEN_PORT' },
  ],
  [
    'a variable of the wrong kind',
    '',
    { VALISE_RELAY_TLS_ENDS_AT_PROXY: 'yes' },
    { code: 'config.badValue', key: 'VALISE_RELAY_TLS_ENDS_AT_PROXY' },
  ],
  ['a certificate without its key', 'tls.certificate = "x"', {}, { code: 'config.conflict', key: 'tls.key' }],
  [
    'TLS here and at the proxy',
    '[tls]\ncertificate = "x"\nkey = "y"\nendsAtProxy = true',
    {},
    { code: 'config.conflict', key: 'tls.endsAtProxy' },
  ],
]

test.each(wrong)('%s is a problem that is told, and one alone', async (_name, toml, environment, problem) => {
  const { problems } = await read(toml, environment)
  expect(problems).toHaveLength(1)
  expect(problems[0]).toMatchObject(problem)
})

test('a file that is missing is a problem, and so is one without end', async () => {
  const missing = await readSettings({ file: join(folder, 'no'), environment: {}, option: () => undefined })
  expect(missing.problems).toMatchObject([{ code: 'config.unreadable' }])
  expect((await read('#'.repeat(2 * 1024 * 1024))).problems).toMatchObject([{ code: 'config.malformed' }])
})

test('whatever a file holds, reading it gives settings and problems and never throws', async () => {
  const key = fc.constantFrom(
    'data',
    'listen',
    'listen.port',
    'tls',
    '"a.b"',
    '[x]',
    '[[y]]',
    '=',
    '{',
    '\u0000',
  )
  await fc.assert(
    fc.asyncProperty(fc.array(fc.oneof(key, fc.string({ maxLength: 8 }))), async (parts) => {
      const { settings } = await read(parts.join('\n'))
      expect(Object.keys(settings)).toEqual(settingNames)
    }),
    { numRuns: 200 },
  )
})

test.each(['fr', 'en'] as const)(
  'the documented file names each setting and stands for the standards (%s)',
  async (language) => {
    const document = exampleFile(createRelayText(language))
    const { settings, problems } = await read(document)
    expect(problems).toEqual([])
    expect(settings).toEqual((await read(null)).settings)
    for (const name of settingNames) expect(document).toContain(environmentName(name))
    // With its examples in force it is still a file without an unknown name.
    const live = document.replaceAll(/^# (\w+ = )/gm, '$1')
    expect(Object.keys(parse(live)).length).toBeGreaterThan(3)
    expect((await read(live)).problems.map(({ code }) => code)).not.toContain('config.unknownKey')
  },
)

test('no two settings share a variable or an option', () => {
  for (const nameOf of [environmentName, optionName]) {
    expect(new Set(settingNames.map(nameOf)).size).toBe(settingNames.length)
  }
})

test('a name is found by what was meant; one that is far from all is not', () => {
  expect(nearest('Data', ['data', 'address'])).toBe('data')
  expect(nearest('tls.certificat', settingNames)).toBe('tls.certificate')
  expect(nearest('wholly.different', settingNames)).toBe(null)
  expect(lineOf('a = 1\r\n[b]\r\nc = 2', 'b.c')).toBe(3)
})

test('networks hold their addresses, in either form of an IPv4 one', () => {
  const trusted = networkList(['10.0.0.0/8', 'fd00::/8', '192.0.2.7'])
  expect(['10.1.2.3', '::ffff:10.1.2.3', 'fd12::1', '192.0.2.7'].map(trusted)).toEqual([
    true,
    true,
    true,
    true,
  ])
  expect(['11.0.0.1', 'fe80::1', '192.0.2.8', '', 'x', '::ffff:11.0.0.1'].map(trusted)).not.toContain(true)
  expect(['10.0.0.0/', '10.0.0.0/8/8', '10.0.0', 'fd00::/129', '', '/8'].map(isNetwork)).not.toContain(true)
})
