import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { execute } from '../command/execute.ts'
import { withStore } from '../data/withStore.ts'
import { initRelay, startRelay } from '../index.ts'
import { readSettings } from '../settings/readSettings.ts'
import { postgresMigrations } from '../store/postgres/migrations/index.ts'
import { openSqliteStore } from '../store/sqlite.ts'
import { openDatabase } from '../store/sqliteOpen.ts'
import { administer, postgresServer } from '../testing/postgres.ts'
import { otherTls, testTls } from '../testing/tls.ts'
import { checkAll } from './check.ts'

let folder: string
let data: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'valise-check-'))
  data = join(folder, 'relay')
  await initRelay({ data, organisation: 'X', trustRootOut: join(folder, 'root.key') })
  const store = openSqliteStore(join(data, 'relay.db'))
  await store.stats.probe(Date.now())
  await store.close()
  await writeFile(join(folder, 'relay.pem'), testTls.certificate)
  await writeFile(join(folder, 'relay.key'), testTls.key)
  await writeFile(join(folder, 'other.key'), otherTls.key)
})

afterAll(async () => rm(folder, { recursive: true, force: true }))

async function found(toml: string, now = Date.now()): Promise<string[]> {
  const file = join(folder, 'relay.toml')
  await writeFile(file, toml)
  const read = await readSettings({ file, environment: {}, option: () => undefined })
  const findings = await checkAll(read, { now: () => now })
  return findings.map(({ level, code, key }) => `${level} ${code} ${key ?? ''}`.trim())
}

const free = '\n[listen]\nport = 0\n'

test('a relay that is in order has no findings, running or not', async () => {
  const tls = `${free}[tls]\ncertificate = "relay.pem"\nkey = "relay.key"\n`
  expect(await found(`data = "relay"${tls}`)).toEqual([])
  const relay = await startRelay({ data })
  const { port } = new URL(relay.address)
  expect(await found(`data = "relay"\n[listen]\nport = ${port}`)).toEqual([])
  await relay.stop()
})

test('each thing that is wrong is found, all of them at once', async () => {
  const taken = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => taken.once('listening', resolve))
  const bound = taken.address()
  const port = bound !== null && typeof bound === 'object' ? bound.port : 0
  expect(
    await found(
      `data = "relay"\nbogus = 1\n[listen]\nport = ${port}\n[metrics]\nport = 70000\n[tls]\ncertificate = "relay.pem"\nkey = "other.key"\n`,
    ),
  ).toEqual([
    'error config.unknownKey bogus',
    'error config.badValue metrics.port',
    'error tls.keyMismatch tls.key',
    'error relay.portTaken listen.port',
  ])
  expect(await found(`data = "relay"${free}[admin]\nport = ${port}`)).toEqual([
    'error relay.portTaken admin.port',
  ])
  taken.close()
})

test.each([
  ['nothing named', '', 'error config.badValue data'],
  ['no relay there', 'data = "nothing"', 'error relay.dataMissing data'],
  [
    'HTTP beyond this machine',
    'data = "relay"\n[listen]\nport = 0\nhost = "0.0.0.0"',
    'error relay.tlsRequired listen.host',
  ],
  [
    'a host of nobody',
    'data = "relay"\n[listen]\nport = 0\nhost = "203.0.113.1"\n[tls]\ncertificate = "relay.pem"\nkey = "relay.key"',
    'error config.badValue listen.host',
  ],
  [
    'no files',
    `data = "relay"${free}[tls]\ncertificate = "no.pem"\nkey = "relay.key"`,
    'error tls.unreadable tls.certificate',
  ],
  [
    'no certificate',
    `data = "relay"${free}[tls]\ncertificate = "relay.key"\nkey = "relay.key"`,
    'error tls.malformed tls.certificate',
  ],
  [
    'a proxy that nobody trusts',
    `data = "relay"${free}[tls]\nendsAtProxy = true`,
    'warning config.noTrustedProxy proxy.trusted',
  ],
  [
    'open metrics',
    `data = "relay"${free}[metrics]\nhost = "0.0.0.0"`,
    'warning config.metricsOpen metrics.host',
  ],
  [
    'a page beyond this machine without TLS',
    `data = "relay"${free}[admin]\nport = 0\nhost = "0.0.0.0"`,
    'error relay.tlsRequired admin.host',
  ],
  [
    'an open page',
    `data = "relay"\naddress = "https://relay.example"${free}[tls]\ncertificate = "relay.pem"\nkey = "relay.key"\n[admin]\nport = 0\nhost = "0.0.0.0"`,
    'warning config.adminOpen admin.host',
  ],
  [
    'a page behind a proxy without an address',
    `data = "relay"${free}[tls]\nendsAtProxy = true\n[proxy]\ntrusted = ["10.0.0.1"]\n[admin]\nport = 0`,
    'error config.pageAddress admin.address',
  ],
  [
    'a page under another name',
    `data = "relay"\naddress = "https://relay.example"${free}[admin]\nport = 0\naddress = "https://admin.example"`,
    'error config.pageAddress admin.address',
  ],
  [
    'a page under a number',
    `data = "relay"\naddress = "https://10.1.2.3"${free}[admin]\nport = 0\naddress = "https://10.1.2.3:9443"`,
    'error config.pageNumber admin.address',
  ],
])('%s', async (_name, toml, expected) => {
  expect(await found(toml)).toEqual([expected])
})

test('a certificate that ends and a clock that ran back are told', async () => {
  const tls = `data = "relay"${free}[tls]\ncertificate = "relay.pem"\nkey = "relay.key"\n`
  expect(await found(tls, Date.parse('2127-01-01'))).toEqual(['warning tls.expired tls.certificate'])
  expect(await found(`data = "relay"${free}`, Date.now() - 3_600_000)).toEqual(['error relay.clockBehind'])
})

test('a trust root that lies about and a database that is damaged are found', async () => {
  const other = join(folder, 'other')
  await initRelay({ data: other, organisation: 'Y' })
  expect(await found(`data = "other"${free}`)).toEqual(['warning relay.trustRootPresent data'])
  await rm(join(other, 'offline'), { recursive: true })
  await copyFile(join(folder, 'relay.pem'), join(other, 'relay.db'))
  expect(await found(`data = "other"${free}`)).toEqual(['error relay.dataDamaged data'])
})

test('a database of a newer relay is told from a damaged one', async () => {
  const newer = join(folder, 'newer')
  await initRelay({ data: newer, organisation: 'Y', trustRootOut: join(folder, 'newer.key') })
  const db = openDatabase(join(newer, 'relay.db'))
  db.pragma('user_version = 99')
  db.close()
  expect(await found(`data = "newer"${free}`)).toEqual(['error relay.dataNewer data'])
})

test('a check of PostgreSQL leaves its tables as they are', async () => {
  const server = await postgresServer()
  try {
    const url = await server.database()
    const shared = join(folder, 'shared')
    await initRelay({
      data: shared,
      organisation: 'Y',
      trustRootOut: join(folder, 'pg.key'),
      postgresUrl: url,
    })
    expect(await found(`data = "shared"${free}`)).toEqual([])
    expect(await administer(url, `SELECT 1 FROM pg_namespace WHERE nspname = 'valise'`)).toEqual([])
    await withStore(shared, async (store) => store.stats.probe(1))
    const versions = postgresMigrations.length
    const version = `UPDATE valise.schema_version SET version =`
    await administer(url, `${version} ${versions - 1}`)
    expect(await found(`data = "shared"${free}`)).toEqual([])
    expect(await administer(url, 'SELECT version FROM valise.schema_version')).toEqual([
      { version: versions - 1 },
    ])
    await administer(url, `${version} ${versions + 1}`)
    expect(await found(`data = "shared"${free}`)).toEqual(['error relay.dataNewer data'])
  } finally {
    await server.end()
  }
  expect(await found(`data = "shared"${free}`)).toEqual(['error relay.databaseUnreachable data'])
})

test('a journal of acts that was altered or cut is found', async () => {
  await mkdir(join(folder, 'acts'))
  const file = join(folder, 'acts', 'relay.db')
  for (const name of ['relay.json', 'server-certificate.json', 'zkgroup.params'])
    await copyFile(join(data, name), join(folder, 'acts', name))
  const store = openSqliteStore(file)
  const context = { by: { kind: 'operator', name: 'root' }, now: 1 } as const
  for (let n = 0; n < 3; n += 1) await store.acts.append({ type: 'certificate.renewed' }, context)
  await store.close()
  expect(await found(`data = "acts"${free}`)).toEqual([])
  const altered = async (sql: string): Promise<string[]> => {
    const db = openDatabase(file)
    db.exec(sql)
    db.close()
    return found(`data = "acts"${free}`)
  }
  expect(await altered('UPDATE acts SET time = 2 WHERE seq = 1')).toEqual(['error acts.damaged data'])
  expect(await altered('UPDATE acts SET time = 1; DELETE FROM acts WHERE seq = 2')).toEqual([
    'error acts.damaged data',
  ])
})

test('the command explains every error, with its code, its place and what to do', async () => {
  const file = join(folder, 'wrong.toml')
  await writeFile(file, 'data = "relay"\n\n[listen]\nprot = 1\n')
  const lines: string[] = []
  const run = async (language: 'fr' | 'en', args: readonly string[]): Promise<number> => {
    lines.length = 0
    return execute(args, {
      language,
      version: '',
      environment: {},
      out: (line) => lines.push(line),
      error: (line) => lines.push(line),
      ended: Promise.resolve(),
      onReload: () => undefined,
    })
  }
  expect(await run('en', ['check', '--config', file])).toBe(2)
  for (const part of ['config.unknownKey', 'listen.prot', 'Line 4', 'listen.port', 'There are errors'])
    expect(lines.join('\n')).toContain(part)
  expect(await run('fr', ['check', '--data', data, '--port', '0'])).toBe(0)
  expect(lines).toEqual(['Aucune erreur.'])
})
