import { readFile, mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { parseInvitation } from '../../wire/invitation.ts'
import { operatorContext, ownLogin } from '../data/actor.ts'
import { ask, enrolDevice, type EnrolledDevice } from '../testing/client.ts'
import {
  bundleRelay,
  type ListeningProgram,
  type ProgramResult,
  type RelayProgram,
} from '../testing/program.ts'
import { TestClient } from '../testing/sockets.ts'
import { lookAtDatabase } from '../store/sqliteCheck.ts'
import { openDatabase } from '../store/sqliteOpen.ts'
import { databaseFile } from '../data/relayData.ts'
import { execute } from './execute.ts'

let program: RelayProgram
let relay: ListeningProgram
let folder: string
let data: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'valise-accounts-'))
  data = join(folder, 'relay')
  program = await bundleRelay()
  await called(['init', '--name', 'Ministère'])
  relay = await program.listen(data)
})

afterAll(async () => {
  await relay.kill('SIGTERM')
  await program.remove()
  await rm(folder, { recursive: true, force: true })
})

async function called(
  args: readonly string[],
  language: 'fr' | 'en' = 'en',
  of = data,
  login = ownLogin(),
): Promise<ProgramResult> {
  const lines = { out: '', error: '' }
  const exitCode = await execute([...args, '--data', of], {
    language,
    version: '0',
    environment: {},
    login,
    out: (line) => (lines.out += `${line}\n`),
    error: (line) => (lines.error += `${line}\n`),
    ended: Promise.resolve(),
    onReload: () => undefined,
  })
  return { exitCode, ...lines }
}

const machine = {
  uid: '',
  uidMap: '0 0 4294967295\n',
  passwd: 'anna:x:1000:1000::/:/bin/sh\nbert:x:1001:1001::/:/bin/sh\n',
}

async function invited(...args: string[]): Promise<{ accountId: string; code: string }> {
  const { out } = await called(['invite', '--address', relay.address, '--json', ...args])
  const { accountId, text } = z.object({ accountId: z.string(), text: z.string() }).parse(JSON.parse(out))
  return { accountId, code: parseInvitation(text).code }
}

async function enrolled(...args: string[]): Promise<EnrolledDevice> {
  return enrolDevice(relay.address, (await invited(...args)).code)
}

async function refusalOf(client: TestClient): Promise<string> {
  return (await client.next('refusal', 10_000)).code
}

test('a running relay ends what a command beside it ends, within ten seconds', async () => {
  const [ada, bea, cleo] = [
    await enrolled('--name', 'Ada', '--organisation', 'A / B'),
    await enrolled('--name', 'Béa', '--organisation', 'A/B/C'),
    await enrolled('--name', 'Cléo', '--organisation', 'A'),
  ]
  const clients = await Promise.all(
    [ada, bea, cleo].map(async (each) => TestClient.connect(relay.address, each)),
  )
  const [ofAda, ofBea, ofCleo] = clients
  if (ofAda === undefined || ofBea === undefined || ofCleo === undefined) throw new Error('three clients')

  const run = await program.run([
    'accounts',
    'disable',
    '--data',
    data,
    '--account',
    cleo.accountId,
    '--json',
  ])
  expect(run).toMatchObject({ exitCode: 0, out: '{"done":1,"unchanged":0}\n' })
  expect(await refusalOf(ofCleo)).toBe('account.disabled')
  const devices = async (token: string): Promise<unknown> =>
    (await ask(relay.address, 'GET', '/v1/devices', { token })).body
  expect(await devices(ofCleo.token)).toEqual({ code: 'account.disabled' })

  const listed = await called(['devices', '--account', ada.accountId], 'fr')
  expect(listed.out).toMatch(
    /^Poste 1.: ajouté le 20\d\d-\d\d-\d\d, dernier usage le 20\d\d-\d\d-\d\d \(UTC\)\n$/,
  )
  const revoked = await called(['revoke', '--organisation', 'A / B'])
  expect(revoked.out).toContain('2 changes')
  for (const client of [ofAda, ofBea]) {
    expect(await refusalOf(client)).toBe('relay.deviceGone')
    expect(await devices(client.token)).toEqual({ code: 'relay.deviceGone' })
  }
  expect((await called(['devices', '--account', ada.accountId])).out).toContain('no workstation')
  const back = await invited('--account', ada.accountId)
  const client = await TestClient.connect(relay.address, await enrolDevice(relay.address, back.code))
  await called(['revoke', '--account', ada.accountId, '--device', '1'])
  expect(await refusalOf(client)).toBe('relay.deviceGone')
})

test('accounts are shown, found, changed, hidden and removed, with a journal of it', async () => {
  await called(['domains', '--allow', 'A.Example'])
  expect((await called(['domains', '--json'])).out).toBe('{"domains":["a.example"]}\n')
  const { accountId } = await invited('--name', 'Dora', '--email', 'Dora@A.Example', '--identifier', 'D1')
  const on = (name: string, ...args: string[]): Promise<ProgramResult> =>
    called(['accounts', name, '--account', accountId, ...args])
  expect((await on('show')).out).toBe(
    `${accountId}  Dora · Ministère  [member, not enrolled yet]\nE-mail address: dora@a.example\nIdentifier: D1\n`,
  )
  expect((await on('role', '--role', 'guest')).error).toContain('--expires')
  await on('role', '--role', 'guest', '--expires', '2030-01-31')
  await on('profile', '--name', 'Dora Dupont', '--title', 'Cheffe', '--email', '')
  await on('hide')
  expect((await on('hide')).out).toContain('Nothing was changed')
  const found = await called(['accounts', 'list', '--name', 'dupont'])
  expect(found.out).toContain('Dora Dupont · Cheffe · Ministère  [guest, until 2030-02-01 00:00 UTC, hidden')
  const { out: listings } = await called(['journal'])
  expect(listings.match(/listed accounts {2}1$/gm)).toHaveLength(1)
  await on('unhide')
  await on('remove')
  expect(await on('show')).toMatchObject({ exitCode: 2 })
  const journal = await called(['journal', '--json'])
  const acts = journal.out
    .trim()
    .split('\n')
    .map((row) =>
      z.object({ type: z.string(), by: z.string(), account: z.string().optional() }).parse(JSON.parse(row)),
    )
  expect(acts.filter(({ account }) => account === accountId).map(({ type }) => type)).toEqual([
    'account.created',
    'account.role',
    'account.profile',
    'account.hidden',
    'account.shown',
    'account.removed',
  ])
  expect(new Set(acts.map(({ by }) => by))).toContain(operatorContext().by.name)
  expect(journal.out).not.toContain('Dora')
  expect((await called(['journal'], 'fr')).out).toMatch(/La chaîne de \d+ actes est intacte/)
})

test('an account is mailed a new invitation only at an address that the relay still takes', async () => {
  const mailed = join(folder, 'again')
  const config = join(folder, 'again.toml')
  const script = `require('fs').writeFileSync(${JSON.stringify(mailed)}, process.argv[1])`
  await writeFile(config, `mail.command = ${JSON.stringify([process.execPath, '-e', script])}\n`)
  await called(['domains', '--allow', 'again.example'])
  const [fay, gil] = [
    await invited('--name', 'Fay', '--email', 'f@again.example'),
    await invited('--name', 'Gil'),
  ]
  const again = async (accountId: string): Promise<ProgramResult> =>
    called(['invite', '--address', relay.address, '--account', accountId, '--mail', '--config', config])
  expect((await again(fay.accountId)).exitCode).toBe(0)
  expect(await readFile(mailed, 'utf8')).toBe('f@again.example')
  await called(['domains', '--refuse', 'again.example'])
  const before = (await called(['journal', '--json'])).out
  for (const { accountId } of [fay, gil]) {
    const { exitCode, error } = await again(accountId)
    expect([exitCode, error]).toEqual([2, expect.stringContaining('--email')])
  }
  expect((await called(['journal', '--json'])).out).toBe(before)
})

test('the whole list needs a second person, and two who are known', async () => {
  const as = async (uid: string, ...args: string[]): Promise<ProgramResult> =>
    called(['accounts', 'export', ...args], 'en', data, { ...machine, uid })
  const first = await as('1000', '--json')
  const { code } = z.object({ code: z.string() }).parse(JSON.parse(first.out))
  const out = join(folder, 'accounts.csv')
  const fetched = async (uid: string): Promise<ProgramResult> => as(uid, '--code', code, '--out', out)
  expect(await fetched('1000')).toMatchObject({
    exitCode: 2,
    error: expect.stringContaining('second person'),
  })
  expect((await as('1000', '--approve', code)).error).toContain('another administrator')
  for (const args of [[], ['--approve', code], ['--code', code, '--out', out]]) {
    const { exitCode, error } = await as('4294967295', ...args)
    expect([exitCode, error]).toEqual([2, expect.stringContaining('who you are')])
  }
  await expect(stat(out)).rejects.toThrow('ENOENT')
  expect((await as('1001', '--approve', code)).exitCode).toBe(0)
  expect((await fetched('1000')).out).toMatch(/\d+ accounts written/)
  expect((await stat(out)).mode & 0o777).toBe(0o600)
  expect(await readFile(out, 'utf8')).toContain('"Cléo"')
  expect((await fetched('1000')).exitCode).toBe(2)
  const { out: acts } = await called(['journal'])
  for (const said of ['anna  asked for a bulk read', 'bert  allowed a bulk read', 'anna  made a bulk read'])
    expect(acts).toContain(said)
})

test('a file of persons is imported with a report, and new accounts are mailed what is stored', async () => {
  const file = join(folder, 'people.csv')
  await writeFile(
    file,
    'nom;prénom;courriel;taille\nÉlan;Eve;Eve.Elan@a.example;1\nX;Y;x@other.example;2\n',
    'latin1',
  )
  const mailed = join(folder, 'mailed')
  const config = join(folder, 'relay.toml')
  const script = `require('fs').writeFileSync(${JSON.stringify(mailed)}, process.argv[1])`
  await writeFile(config, `mail.command = ${JSON.stringify([process.execPath, '-e', script])}\n`)
  const codes = join(folder, 'codes.csv')
  const options = ['--file', file, '--codes', codes, '--address', relay.address, '--config', config]
  const dry = await called(['import', '--file', file, '--dry-run'], 'fr')
  expect(dry.out).toContain('Latin-1 (Windows-1252), colonnes séparées par des points-virgules')
  expect(dry.out).toContain('Ligne 3 · courriel · Ce relais ne prend pas d’adresse de ce domaine')
  expect(dry.out).toMatch(/rien n’a été changé\. À créer.: 1\D.* erreurs.: 1\./)
  expect(await called(['import', ...options])).toMatchObject({ exitCode: 2 })
  await expect(stat(codes)).rejects.toThrow('ENOENT')
  const report = join(folder, 'report.json')
  const done = await called(['import', ...options, '--skip-bad', '--mail', '--report', report])
  expect(done).toMatchObject({ exitCode: 0, error: '' })
  expect(done.out).toContain('handed to the mail program: 1; failed: 0')
  expect(await readFile(mailed, 'utf8')).toBe('eve.elan@a.example')
  expect(JSON.parse(await readFile(report, 'utf8'))).toMatchObject({
    ignored: ['taille'],
    problems: [{ line: 3 }],
  })
  const text = /"(valise:[^"]+)"/.exec(await readFile(codes, 'utf8'))?.[1] ?? ''
  expect((await enrolDevice(relay.address, parseInvitation(text).code)).deviceId).toBe(1)
})

test.each([
  [
    'an account that there is not',
    ['accounts', 'disable', '--account', '00000000-0000-4000-8000-000000000000'],
  ],
  ['no id', ['accounts', 'enable', '--account', 'x']],
  [
    'a device that there is not',
    ['revoke', '--account', '00000000-0000-4000-8000-000000000000', '--device', '1'],
  ],
  ['an account and an organisation', ['revoke', '--account', 'x', '--organisation', 'A']],
  ['an organisation without accounts', ['revoke', '--organisation', 'Z']],
  [
    'a role that there is not',
    ['accounts', 'role', '--account', '00000000-0000-4000-8000-000000000000', '--role', 'king'],
  ],
  ['a domain that is none', ['domains', '--allow', 'a b']],
  ['a code that is none', ['accounts', 'export', '--approve', 'x']],
  [
    'an address of a domain that is not allowed',
    ['invite', '--name', 'X', '--email', 'x@b.example', '--address', 'http://127.0.0.1:9'],
  ],
  ['a guest without an end', ['invite', '--name', 'X', '--role', 'guest', '--address', 'http://127.0.0.1:9']],
  [
    'mail without a program',
    ['invite', '--name', 'X', '--email', 'x@a.example', '--mail', '--address', 'http://127.0.0.1:9'],
  ],
  ['a file that there is not', ['import', '--file', '/none/none.csv', '--dry-run']],
])('%s is refused with a sentence', async (_name, args) => {
  const before = (await called(['journal', '--json'])).out
  const { exitCode, error } = await called(args)
  expect(exitCode).toBe(2)
  expect(error).not.toContain('at ')
  expect((await called(['journal', '--json'])).out).toBe(before)
})

test('an act whose author was erased in the database shows, and is nobody else’s', async () => {
  const copy = join(folder, 'erased')
  await called(['init', '--name', 'X'], 'en', copy)
  await called(['domains', '--allow', 'a.example'], 'en', copy)
  expect((await called(['journal'], 'en', copy)).exitCode).toBe(0)
  const db = openDatabase(databaseFile(copy))
  db.exec('UPDATE acts SET payload = NULL, salt = NULL WHERE seq = 0')
  db.close()
  const { exitCode, out, error } = await called(['journal'], 'en', copy)
  expect([exitCode, error]).toEqual([3, expect.stringContaining('altered or is damaged')])
  expect(out).toContain('(erased)  allowed a domain')
  expect(out).not.toContain('relay')
  expect(lookAtDatabase(databaseFile(copy)).problem).toBe('acts.damaged')
})

test('an act that was altered in the database shows', async () => {
  const db = openDatabase(databaseFile(data))
  db.exec(`UPDATE acts SET payload = replace(payload, '"by":"', '"by":"x') WHERE seq = 1`)
  db.close()
  const { exitCode, error, out } = await called(['journal'])
  expect([exitCode, out.includes('is whole')]).toEqual([3, false])
  expect(error).toContain('altered or is damaged')
})
