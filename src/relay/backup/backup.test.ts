import { randomBytes } from 'node:crypto'
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { toHex } from '../../base/bytes.ts'
import { verdictOf } from '../../wire/generation.ts'
import { execute } from '../command/execute.ts'
import { withStore } from '../data/withStore.ts'
import { engineOf } from '../engine.ts'
import { initRelay, startRelay } from '../index.ts'
import { keyUpload, call, messageIdOf, type EnrolledDevice } from '../testing/client.ts'
import { relayFixture, type RelayFixture } from '../testing/fixture.ts'
import { postgresServer } from '../testing/postgres.ts'
import { AnonymousClient, TestClient } from '../testing/sockets.ts'
import { adaptRestored, backUp, restore, restoreKeys } from './backup.ts'

let folder: string
let fixture: RelayFixture
let bob: EnrolledDevice

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'valise-backup-'))
  fixture = await relayFixture()
  bob = await fixture.enrol('Bob')
})

afterEach(async () => {
  await fixture.end()
  await rm(folder, { recursive: true, force: true })
})

async function command(args: readonly string[]): Promise<number> {
  return execute(args, {
    language: 'en',
    version: '',
    environment: {},
    out: () => undefined,
    error: () => undefined,
    ended: Promise.resolve(),
    onReload: () => undefined,
  })
}

async function actsOf(data: string): Promise<readonly string[]> {
  const rows = await withStore(data, async ({ acts }) => acts.rows(0, 100))
  return rows.map(({ type }) => type).filter((type) => /^(?:backup|store)/.test(type))
}

const passphrase = 'une phrase de passe assez longue'

test('a copy made beside a relay under load is whole and holds what was acknowledged before', async () => {
  const client = await AnonymousClient.connect(fixture.address)
  const acknowledged: string[] = []
  let loading = true
  const load = (async () => {
    while (loading) {
      const id = randomBytes(16)
      const { outcome } = await client.put(bob, randomBytes(20_000), id)
      if (outcome.case === 'stored') acknowledged.push(toHex(id))
    }
  })()
  while (acknowledged.length < 100) await new Promise((resolve) => setTimeout(resolve, 5))
  const before = [...acknowledged]
  const to = join(folder, 'copy.db')
  const keys = { file: join(folder, 'keys.json'), passphrase }
  const { bytes } = await backUp({ data: fixture.data, to, keys })
  loading = false
  await load
  await client.end()
  expect(bytes).toBeGreaterThan(100 * 20_000)
  expect((await stat(to)).mode & 0o777).toBe(0o600)
  expect((await readdir(folder)).toSorted()).toEqual(['copy.db', 'keys.json'])

  const data = join(folder, 'restored')
  await restore({ data, from: to, keys })
  expect(await actsOf(fixture.data)).toEqual(['backup.keys', 'backup.made'])
  expect(await actsOf(data)).toEqual(['backup.keys', 'backup.made', 'backup.restored'])
  const relay = await startRelay({ data })
  const reader = await TestClient.connect(relay.address, bob)
  const ids: string[] = []
  while (ids.length < before.length) {
    const envelopes = await reader.envelopes(1)
    reader.acknowledge(envelopes)
    ids.push(...envelopes.map(({ messageId }) => toHex(messageId)))
  }
  expect(before.filter((id) => !ids.includes(id))).toEqual([])
  await reader.end()
  await relay.stop()
})

test('after a restore no device is taken for a copy or frozen, ids go on rising, and handed-out keys are gone', async () => {
  const holder = randomBytes(16)
  const first = await TestClient.connect(fixture.address, bob, { holder })
  await first.confirm(first.welcome.nextGeneration)
  await first.end()
  const to = join(folder, 'copy.db')
  await backUp({ data: fixture.data, to })

  // The world goes on: a newer token, and envelopes with ids that the copy does not know.
  const generation = first.welcome.nextGeneration
  const later = await TestClient.connect(fixture.address, bob, { holder, generation })
  await later.confirm(later.welcome.nextGeneration)
  const client = await AnonymousClient.connect(fixture.address)
  await client.put(bob, randomBytes(100), messageIdOf('after the copy'))
  const [taken] = await later.envelopes(1)
  later.acknowledge(taken === undefined ? [] : [taken])
  const takenUpTo = taken?.queueId ?? 0n
  await later.end()
  await client.end()
  const revision = later.welcome.devicesRevision

  await fixture.relay.stop()
  for (const end of ['', '-wal', '-shm']) await rm(join(fixture.data, `relay.db${end}`), { force: true })
  await restore({ data: fixture.data, from: to })
  fixture = await fixture.restart()
  const vault = { holder, generation: later.welcome.nextGeneration, takenUpTo }
  const returned = await TestClient.connect(fixture.address, bob, vault)
  expect(verdictOf(returned.welcome.verdict)).toBe('unsure')
  expect(returned.welcome.devicesRevision).toBeGreaterThan(revision)
  const { token } = returned
  expect(await call(fixture.address, 'keyCount', { token })).toEqual({
    oneTimePreKeys: 0,
    oneTimeKyberPreKeys: 0,
  })
  await call(fixture.address, 'uploadKeys', { token, body: keyUpload(bob.identity, 1, 50) })
  await returned.confirm(returned.welcome.nextGeneration)
  const sender = await AnonymousClient.connect(fixture.address)
  await sender.put(bob, randomBytes(100), messageIdOf('after the restore'))
  const [next] = await returned.envelopes(1)
  expect(next?.queueId).toBeGreaterThan(takenUpTo)
  await returned.end()
  await sender.end()

  // Once it has come back it is judged as ever: the state before that is a copy.
  const copy = await TestClient.connect(fixture.address, bob, vault)
  expect(verdictOf(copy.welcome.verdict)).toBe('foreign')
  await copy.end()
})

test('nothing that is there is replaced, and what does not fit is refused and changes nothing', async () => {
  const to = join(folder, 'copy.db')
  const keys = { file: join(folder, 'keys.json'), passphrase }
  await backUp({ data: fixture.data, to, keys })
  await expect(backUp({ data: fixture.data, to })).rejects.toMatchObject({ code: 'relay.backupExists' })
  await expect(restore({ data: fixture.data, from: to })).rejects.toMatchObject({ code: 'relay.dataExists' })

  const bytes = await readFile(to)
  const other = join(folder, 'other')
  await initRelay({ data: other, organisation: 'Y' })
  const empty = join(folder, 'empty')
  await writeFile(join(folder, 'short.db'), bytes.subarray(0, bytes.length / 2))
  await writeFile(join(folder, 'text.db'), 'no database')
  await writeFile(join(folder, 'text.json'), '{}')
  const altered = (await readFile(keys.file, 'utf8')).replace(
    /"sealed":"(.)/,
    (_whole, first: string) => `"sealed":"${first === '_' ? 'A' : '_'}`,
  )
  await writeFile(join(folder, 'altered.json'), altered)
  const wrong: [Parameters<typeof restore>[0], string][] = [
    [{ data: other, from: to }, 'relay.backupForeign'],
    [{ data: empty, from: join(folder, 'none.db') }, 'relay.backupDamaged'],
    [{ data: empty, from: join(folder, 'short.db') }, 'relay.backupDamaged'],
    [{ data: empty, from: join(folder, 'text.db') }, 'relay.backupDamaged'],
    [{ data: empty, from: to, keys: { ...keys, passphrase: `${passphrase}!` } }, 'relay.backupPassphrase'],
    [
      { data: empty, from: to, keys: { ...keys, file: join(folder, 'altered.json') } },
      'relay.backupPassphrase',
    ],
    [{ data: empty, from: to, keys: { ...keys, file: join(folder, 'text.json') } }, 'relay.backupDamaged'],
    [{ data: other, from: to, keys }, 'relay.dataExists'],
  ]
  await mkdir(empty)
  for (const [options, code] of wrong) {
    await expect(restore(options), code).rejects.toMatchObject({ code })
    expect(await readdir(empty)).toEqual([])
  }
  await expect(restore({ data: empty, from: to })).rejects.toMatchObject({ code: 'relay.dataMissing' })
  expect(await readdir(empty)).toEqual([])
  expect((await readdir(other)).filter((name) => name.startsWith('relay.db'))).toEqual([])

  // A relay that runs on a folder whose database was moved away still holds it.
  await copyFile(join(fixture.data, 'relay.db'), join(folder, 'kept.db'))
  for (const left of ['', '-wal', '-shm']) {
    await rm(join(fixture.data, `relay.db${left}`), { force: true })
    const code = left === '-shm' ? 'relay.dataInUse' : 'relay.dataExists'
    await expect(restore({ data: fixture.data, from: to }), left).rejects.toMatchObject({ code })
  }
  expect(await readdir(fixture.data)).not.toContain('relay.db.restoring')
})

test('a relay on PostgreSQL is sent to its own backup, and its keys are copied all the same', async () => {
  const server = await postgresServer()
  const data = join(folder, 'shared')
  await initRelay({ data, organisation: 'Z', postgresUrl: await server.database() })
  const [to, keys] = [join(folder, 'copy.db'), { file: join(folder, 'keys.json'), passphrase }]
  await expect(backUp({ data, to, keys })).rejects.toMatchObject({ code: 'relay.backupPostgres' })
  expect(await backUp({ data, to: null, keys })).toEqual({ bytes: 0 })
  await backUp({ data: fixture.data, to })
  await expect(restore({ data, from: to })).rejects.toMatchObject({ code: 'relay.backupPostgres' })
  await adaptRestored(data)
  expect(await actsOf(data)).toEqual(['backup.keys', 'backup.restored'])
  await server.end()
  await expect(adaptRestored(data)).rejects.toMatchObject({ code: 'relay.databaseUnreachable' })
  // What no journal takes is not made.
  const unseen = backUp({ data, to: null, keys: { ...keys, file: join(folder, 'unseen.json') } })
  await expect(unseen).rejects.toMatchObject({ code: 'relay.databaseUnreachable' })
  expect(await readdir(folder)).not.toContain('unseen.json')
  await expect(adaptRestored(fixture.data)).rejects.toMatchObject({ code: 'argument.invalid' })
  expect((await readdir(data)).filter((name) => name.startsWith('relay.db'))).toEqual([])
})

test('a log that an earlier database left keeps a backup out', async () => {
  const to = join(folder, 'copy.db')
  const keys = { file: join(folder, 'keys.json'), passphrase }
  await backUp({ data: fixture.data, to, keys })
  for (const end of ['-wal', '-shm', '-journal']) {
    const data = join(folder, `left${end}`)
    await mkdir(data)
    await writeFile(join(data, `relay.db${end}`), 'old')
    await expect(restore({ data, from: to, keys })).rejects.toMatchObject({ code: 'relay.dataExists' })
    expect(await readdir(data)).toEqual([`relay.db${end}`])
  }
})

test('a backup of the keys alone makes the folder of the relay again, on PostgreSQL or not', async () => {
  const names = ['relay.json', 'server-certificate.json', 'zkgroup.params']
  const texts = async (data: string): Promise<readonly string[]> =>
    Promise.all(names.map(async (name) => readFile(join(data, name), 'utf8')))
  const keys = { file: join(folder, 'keys.json'), passphrase }
  await backUp({ data: fixture.data, to: null, keys })

  const [plain, shared] = [join(folder, 'plain'), join(folder, 'shared')]
  await restoreKeys(plain, keys, null)
  expect((await readdir(plain)).toSorted()).toEqual(names)
  const url = 'postgres://nobody@127.0.0.1:1/nothing'
  const [phraseFile, urlFile] = [join(folder, 'phrase'), join(folder, 'url')]
  await writeFile(phraseFile, passphrase)
  await writeFile(urlFile, url)
  const args = ['restore', '--data', shared, '--keys-from', keys.file, '--passphrase-file', phraseFile]
  expect(await command([...args, '--postgres-url-file', urlFile])).toBe(0)
  expect((await readdir(shared)).toSorted()).toEqual(['postgres.url', ...names])
  expect(await engineOf(shared)).toEqual({ kind: 'postgres', url })
  for (const data of [plain, shared]) expect(await texts(data)).toEqual(await texts(fixture.data))

  await rm(join(shared, 'relay.json'))
  for (const data of [plain, shared, fixture.data])
    await expect(restoreKeys(data, keys, url)).rejects.toMatchObject({ code: 'relay.dataExists' })
  const wrong = { ...keys, passphrase: `${passphrase}!` }
  await expect(restoreKeys(join(folder, 'new'), wrong, null)).rejects.toMatchObject({
    code: 'relay.backupPassphrase',
  })
  expect(await readdir(folder)).not.toContain('new')
})
