import { createCipheriv, randomBytes } from 'node:crypto'
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { toBase64Url } from '../base/bytes.ts'
import { createInvitation, initRelay } from './index.ts'
import { openDatabase } from './store/sqliteOpen.ts'
import { ask, call, enrolDevice, newDevice, uuidOf, type EnrolledDevice } from './testing/client.ts'
import { offerLink } from './testing/linking.ts'
import { formsOf, MarkSearch, type Mark } from './testing/marks.ts'
import { drawPermits } from './testing/permits.ts'
import { bundleRelay, type ListeningProgram, type ProgramOptions } from './testing/program.ts'
import { AnonymousClient, TestClient } from './testing/sockets.ts'

/** People that write and are written to; each brings twenty marks. */
const usualPeople = 24

/** docs/relay-data.md, as places: columns of the database, which stand for its write-ahead log too, and memory. */
const allowed: Readonly<Record<string, readonly string[]>> = {
  name: ['accounts.display_name'],
  title: ['accounts.title'],
  service: ['accounts.service'],
  organisation: ['accounts.organisation'],
  'folded name': ['accounts.search_text', 'accounts.sort_key', 'directory'],
  'account id': ['accounts.account_id', 'acts.payload', 'changes.account_id', 'memory'],
  'device key': ['devices.device_key', 'invitations.used_by'],
  'sealed device name': ['devices.sealed_name'],
  'link id': ['memory'],
  body: ['queue.body'],
  'message id': ['queue.message_id'],
}

interface Person {
  readonly marks: readonly Mark[]
  readonly device: EnrolledDevice
}

interface Traffic {
  readonly marks: readonly Mark[]
  /** Places of the data folder and of memory in which marks of a kind were found. */
  readonly found: ReadonlyMap<string, ReadonlySet<string>>
}

test('of 300 marked strings each is only where the page on what the relay stores says so', async () => {
  const { marks, found } = await marked({})
  expect(marks.length).toBeGreaterThanOrEqual(300)
  for (const [kind, places] of found) {
    const where = [...places].filter((place) => !isAllowed(kind, place))
    expect(where, kind).toEqual([])
  }
  // What has to be kept is found, or the search is blind.
  for (const kind of ['name', 'account id', 'device key', 'sealed device name', 'body', 'message id'])
    expect([...(found.get(kind) ?? [])], kind).not.toEqual([])
})

test('a relay that keeps tokens in memory and writes names and senders is found out', async () => {
  const instead = 'const content = concatBytes(account, Uint8Array.of(subject.deviceId), numbers);'
  const planted = `${instead}
    (globalThis.planted ??= []).push(toBase64Url(concatBytes(content, this.#mac(content))));
    process.stderr.write(subject.accountId.toUpperCase() + Buffer.from(content).toString('base64'));`
  const fault = { instead, planted }
  const { found } = await marked({ fault }, 4)
  expect([...(found.get('token') ?? [])]).toContain('memory')
  expect([...(found.get('account id') ?? [])]).toContain('log')
})

test('a mark is found in every form', () => {
  const value = randomBytes(16)
  const search = new MarkSearch([{ kind: 'key', value }])
  for (const form of formsOf(value))
    for (const shift of [0, 1, 2, 3])
      expect(search.kindsIn(Buffer.concat([Buffer.alloc(shift), form, Buffer.alloc(2)])).has('key')).toBe(
        true,
      )
  for (const shift of [0, 1, 2]) {
    const text = Buffer.concat([Buffer.alloc(shift, 7), value, Buffer.alloc(3, 9)]).toString('base64')
    expect(search.kindsIn(Buffer.from(text)).has('key')).toBe(true)
  }
  expect(search.kindsIn(randomBytes(4_096)).has('key')).toBe(false)
})

function isAllowed(kind: string, place: string): boolean {
  const places = allowed[kind] ?? []
  // A page of the file that holds the column; which columns those are is looked up in the tables themselves.
  if (place === 'relay.db' || place === 'relay.db-wal')
    return places.some((allowedPlace) => allowedPlace !== 'memory')
  return places.some(
    (allowedPlace) =>
      place === allowedPlace || place.startsWith(`${allowedPlace}_`) || place.startsWith(`${allowedPlace}.`),
  )
}

async function marked(options: ProgramOptions, people = usualPeople): Promise<Traffic> {
  const folder = await mkdtemp(join(tmpdir(), 'valise-marks-'))
  const data = join(folder, 'relay')
  await initRelay({ data, organisation: 'X' })
  const program = await bundleRelay(options)
  const env = { NODE_OPTIONS: `--heapsnapshot-signal=SIGUSR2 --diagnostic-dir=${folder}` }
  const relay = await program.listen(data, ['--log-level', 'debug'], env)
  try {
    const { marks, end } = await traffic(relay.address, data, people)
    const search = new MarkSearch(marks)
    const found = new Map<string, Set<string>>()
    const enter = (place: string, bytes: Buffer): void => {
      for (const kind of search.kindsIn(bytes)) found.set(kind, (found.get(kind) ?? new Set()).add(place))
    }
    enter('memory', await heapSnapshot(relay, folder))
    await enterFiles(data, enter)
    enterTables(data, enter)
    await end()
    await relay.kill('SIGTERM')
    await enterFiles(data, enter)
    enter('log', Buffer.from(relay.log()))
    return { marks, found }
  } finally {
    await relay.kill('SIGKILL')
    await program.remove()
    await rm(folder, { recursive: true, force: true })
  }
}

type Enter = (place: string, bytes: Buffer) => void

async function enterFiles(data: string, enter: Enter): Promise<void> {
  for (const entry of await readdir(data, { recursive: true, withFileTypes: true })) {
    if (entry.isFile()) enter(basename(entry.name), await readFile(join(entry.parentPath, entry.name)))
  }
}

/** Every column of every table, so that a mark in the file has a name for where it is. */
function enterTables(data: string, enter: Enter): void {
  const db = openDatabase(join(data, 'relay.db'))
  const tables = db.prepare<[], { name: string }>(`SELECT name FROM sqlite_schema WHERE type = 'table'`).all()
  for (const { name } of tables) {
    for (const row of db.prepare<[], Record<string, unknown>>(`SELECT * FROM "${name}"`).all()) {
      for (const [column, value] of Object.entries(row)) {
        if (typeof value === 'string' || value instanceof Uint8Array)
          enter(`${name}.${column}`, Buffer.from(value))
      }
    }
  }
  db.close()
}

async function heapSnapshot(relay: ListeningProgram, folder: string): Promise<Buffer> {
  relay.process.kill('SIGUSR2')
  for (;;) {
    await wait(50)
    const name = (await readdir(folder)).find((candidate) => candidate.endsWith('.heapsnapshot'))
    const bytes = name === undefined ? Buffer.alloc(0) : await readFile(join(folder, name))
    // The file is written in pieces; its last bytes close the list of strings and the whole.
    if (/\]\s*\}\s*$/.test(bytes.subarray(-8).toString('latin1'))) return bytes
  }
}

/** What people do; half of them are still connected at the end, and half of what they are sent still waits. */
async function traffic(
  address: string,
  data: string,
  people: number,
): Promise<{ readonly marks: readonly Mark[]; end(): Promise<void> }> {
  const crowd: Person[] = []
  for (let number = 0; number < people; number += 1) crowd.push(await person(address, data, number))
  const marks = crowd.flatMap(({ marks: own }) => own)
  const open: { end(): Promise<void> }[] = []
  const sender = await AnonymousClient.connect(address)
  open.push(sender)
  for (const [number, { device }] of crowd.entries()) {
    const client = await TestClient.connect(address, device)
    const to = crowd[(number + 1) % people]?.device ?? device
    const [permit = new Uint8Array(0)] = await drawPermits(address, client.token, 1)
    const query = mark('query', number)
    const sealedName = randomBytes(40)
    await call(address, 'nameDevice', { token: client.token, body: { sealedName: toBase64Url(sealedName) } })
    await call(address, 'directory', { token: client.token, query: { query } })
    marks.push(
      { kind: 'token', value: client.token },
      { kind: 'permit', value: permit },
      { kind: 'query', value: query },
      { kind: 'query', value: query.toLowerCase() },
      { kind: 'sealed device name', value: sealedName },
    )
    for (const by of [{ accessKey: to.accessKey }, { permit }])
      marks.push(...(await message(sender, to, number, by)))
    if (number % 2 === 0) {
      const envelopes = await client.envelopes(number === 0 ? 0 : 1)
      if (envelopes.length > 0) client.acknowledge(envelopes)
      await client.end()
    } else open.push(client)
  }
  marks.push(...(await nonsense(address)))
  for (let number = 0; number < 4; number += 1)
    marks.push({ kind: 'link id', value: (await offerLink(address)).linkId })
  return { marks, end: async () => void (await Promise.all(open.map(async (client) => client.end()))) }
}

async function person(address: string, data: string, number: number): Promise<Person> {
  const texts = {
    name: mark('Name', number),
    title: mark('Title', number),
    service: mark('Service', number),
    organisation: mark('Organisation', number),
  }
  const { code } = await createInvitation({ data, address, ...texts })
  const device = await enrolDevice(address, code, newDevice(), 1)
  const marks: Mark[] = Object.entries(texts).flatMap(([kind, value]) => [
    { kind, value },
    { kind: 'folded name', value: value.toLowerCase() },
  ])
  marks.push(
    { kind: 'code', value: code },
    { kind: 'account id', value: uuidOf(device.accountId) },
    { kind: 'device key', value: device.deviceKey },
    { kind: 'access key', value: device.accessKey },
  )
  return { marks, device }
}

/** Sealed as a client does: what it says is nowhere outside. */
async function message(
  sender: AnonymousClient,
  to: EnrolledDevice,
  number: number,
  by: { readonly accessKey: Uint8Array } | { readonly permit: Uint8Array },
): Promise<Mark[]> {
  const text = mark(`Text of ${'permit' in by ? 'a stranger' : 'a contact'}`, number)
  const cipher = createCipheriv('aes-256-gcm', randomBytes(32), randomBytes(12))
  const body = Buffer.concat([cipher.update(text), cipher.final(), cipher.getAuthTag()])
  const id = randomBytes(16)
  expect((await sender.put(to, body, id, by)).outcome.case).toBe('stored')
  return [
    { kind: 'text', value: text },
    { kind: 'body', value: body },
    { kind: 'message id', value: id },
  ]
}

/** What is refused must not be written down either. */
async function nonsense(address: string): Promise<Mark[]> {
  const marks = Array.from({ length: 6 }, (_, number) => mark('refused', number))
  const [path = '', query = '', header = '', body = '', code = '', frame = ''] = marks
  await ask(address, 'GET', `/v1/${path}`)
  await ask(address, 'GET', `/v1/account?accountId=${query}`)
  await ask(address, 'GET', '/v1/keys', { token: header })
  await ask(address, 'POST', '/v1/enrol', { raw: `{"${body}":` })
  await ask(address, 'POST', '/v1/invitation', { body: { code } })
  const client = await AnonymousClient.connect(address)
  client.socket.send(Buffer.from(frame))
  await client.closed
  return marks.map((value) => ({ kind: 'refused', value }))
}

/** Long enough not to be found by chance. */
function mark(what: string, number: number): string {
  return `${what.replaceAll(' ', '')}Zq${number.toString(36).padStart(2, '0')}${randomBytes(5).toString('hex')}`
}
