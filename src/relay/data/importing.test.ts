import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { parseInvitation } from '../../wire/invitation.ts'
import { endOfDay } from '../accounts/import/person.ts'
import { readPeopleFile } from '../accounts/import/readFile.ts'
import { invitationCodeHash } from '../http/enrolment.ts'
import type { AccountAct, PersonRecord } from '../store/peopleStore.ts'
import { allAccounts, importPeople, type Imported, type ImportOptions } from './importing.ts'
import { openDatabase } from '../store/sqliteOpen.ts'
import { databaseFile, initRelay } from './relayData.ts'
import { withStore } from './withStore.ts'

let folder: string
let data: string
let codes: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'valise-import-'))
  data = join(folder, 'relay')
  codes = join(folder, 'codes.csv')
  await initRelay({ data, organisation: 'Ministère' })
  await administer({ kind: 'domain', domain: 'a.example', allowed: true })
})

afterEach(async () => rm(folder, { recursive: true, force: true }))

async function administer(...acts: AccountAct[]): Promise<void> {
  const context = { by: { kind: 'operator', name: 'root' }, now: 1 } as const
  await withStore(data, async ({ people }) => people.apply(acts, context))
}

async function imported(
  content: string | Uint8Array,
  more: Partial<NonNullable<ImportOptions['apply']>> = {},
): Promise<Imported> {
  await rm(codes, { force: true })
  const bytes = typeof content === 'string' ? Buffer.from(content) : content
  const apply = { address: 'http://127.0.0.1:9', codes, skipBad: false, disableMissing: false, ...more }
  return importPeople({ data, bytes, apply })
}

const accounts = async (): Promise<readonly PersonRecord[]> =>
  (await withStore(data, allAccounts)).toSorted((a, b) => a.displayName.localeCompare(b.displayName, 'fr'))

const problemsOf = ({ report }: Imported): string[] =>
  report.problems.map(({ line, code, column }) => `${line} ${code} ${column}`.trim())

const french = [
  'Nom;Prénom;Fonction;Service;Organisme;Courriel;Matricule;Téléphone',
  'Lefèvre;Zoé;Chef de bureau;RH;Direction / Bureau 1;Zoe.LEFEVRE@a.example;M1;0102',
  'Œuvrard;Noël;;;;;M2;',
].join('\r\n')

describe('a file of persons', () => {
  test.each([
    ['utf-8', ';', Buffer.from(french)],
    ['utf-8-bom', ';', Buffer.from(`\ufeff${french}`)],
    ['windows-1252', ';', latin1(french)],
    ['windows-1252', ',', latin1(french.replaceAll(';', ','))],
    ['utf-8', '\t', Buffer.from(french.replaceAll(';', '\t'))],
    ['utf-8', ',', Buffer.from(english(','))],
  ])(
    'in %s with %j is understood alike, and the report says how it was read',
    async (encoding, delimiter, bytes) => {
      const { report, applied } = await imported(bytes)
      expect(problemsOf({ report, codes: [], applied })).toEqual([])
      expect([applied, report.form]).toEqual([true, { encoding, delimiter }])
      expect(await accounts()).toMatchObject([
        {
          displayName: 'Noël Œuvrard',
          title: '',
          organisation: 'Ministère',
          email: null,
          identifier: 'M2',
          role: 'member',
          enrolledAt: null,
        },
        {
          displayName: 'Zoé Lefèvre',
          title: 'Chef de bureau',
          service: 'RH',
          organisation: 'Direction / Bureau 1',
          email: 'zoe.lefevre@a.example',
          identifier: 'M1',
        },
      ])
    },
  )

  test('codes of new accounts are the owner’s alone, work once each, and no existing file is replaced', async () => {
    const { codes: issued } = await imported('name,email,id\n=HYPERLINK(1),a@a.example,1\nBéa,,2')
    expect((await stat(codes)).mode & 0o777).toBe(0o600)
    const written = await readFile(codes, 'utf8')
    expect(written).toContain(`"'=HYPERLINK(1)";"a@a.example";"1"`)
    const texts = [...written.matchAll(/"(valise:[^"]+)"/g)].map((match) => match[1] ?? '')
    expect(texts).toEqual(issued.map(({ text }) => text))
    for (const text of texts) {
      const hash = invitationCodeHash(parseInvitation(text).code)
      expect(await withStore(data, async (store) => store.invitations.find(hash))).not.toBeNull()
    }
    await writeFile(join(folder, 'mine'), 'mine')
    const there = imported('name,id\nZoé,3', { codes: join(folder, 'mine') })
    await expect(there).rejects.toMatchObject({ code: 'argument.invalid', details: { option: 'codes' } })
    const nowhere = imported('name,id\nZoé,3', { codes: join(folder, 'none', 'codes') })
    await expect(nowhere).rejects.toMatchObject({ code: 'argument.invalid', details: { option: 'codes' } })
    expect(await readFile(join(folder, 'mine'), 'utf8')).toBe('mine')
    expect(await accounts()).toHaveLength(2)
  })

  test('a second import changes nothing; a new title does; who is missing is only named, unless asked', async () => {
    const first = await imported(french)
    expect([first.report.created.length, first.report.updated.length]).toEqual([2, 0])
    const before = await accounts()
    const again = await imported(french)
    expect(again).toMatchObject({
      applied: true,
      codes: [],
      report: { created: [], updated: [], unchanged: 2 },
    })
    await expect(stat(codes)).rejects.toThrow('ENOENT')
    expect(await accounts()).toEqual(before)
    const acts = await withStore(data, async (store) => (await store.acts.state()).size)
    const zoe = french.split('\r\n').slice(0, 2).join('\n').replace('Chef de bureau', 'Directrice')
    const { report } = await imported(zoe)
    expect(report.updated).toEqual([{ line: 2, accountId: before[1]?.accountId, name: 'Zoé Lefèvre' }])
    expect([report.missing, report.disabled]).toEqual([1, []])
    expect(JSON.stringify(report)).not.toContain('Noël')
    expect(await accounts()).toEqual([before[0], { ...before[1], title: 'Directrice' }])
    expect(await withStore(data, async (store) => (await store.acts.state()).size)).toBe(acts + 1)
    const gone = await imported(zoe, { disableMissing: true })
    expect(gone.report.disabled.map(({ name }) => name)).toEqual(['Noël Œuvrard'])
    expect((await accounts()).map(({ disabled }) => disabled)).toEqual([true, false])
    expect((await imported(zoe)).report.missing).toBe(0)
  })

  test('what the file has no column for stays, and so do roles that were given by hand', async () => {
    await imported('name,id,title\nZoé,1,Chef\nBéa,2,Chef')
    const [bea, zoe] = await accounts()
    await administer({
      kind: 'role',
      accountId: zoe?.accountId ?? '',
      role: 'administrator',
      expiresAt: null,
    })
    await imported('name,id,role,expires\nZoé,1,guest,2027-01-31\nBéa,2,invité,31/01/2027')
    expect(await accounts()).toEqual([
      { ...bea, role: 'guest', expiresAt: Date.UTC(2027, 1, 1) },
      { ...zoe, role: 'administrator' },
    ])
  })

  test('errors are told line by line; nothing is imported, or all but those lines', async () => {
    const long = 'x'.repeat(201)
    const file = [
      'name,email,id,role,expires,hidden',
      'Ada,a@a.example,1,,,',
      ',b@a.example,2,,,',
      'C,c@x@a.example,3,,,',
      'D,d@b.example,4,,,',
      'E,,,,,',
      'F,,5,admin,,',
      'G,,6,guest,,',
      'H,,7,guest,2027-02-30,',
      'I,,8,,,perhaps',
      'J,,1,,,',
      `${long},,9,,,`,
      'K,,10',
      '"L\nL",,11,,,',
      'M,,12,,,yes',
    ].join('\n')
    const refused = await imported(file)
    expect(refused.applied).toBe(false)
    expect(problemsOf(refused)).toEqual([
      '3 name name',
      '4 email email',
      '5 domain email',
      '6 key',
      '7 role role',
      '8 expiry',
      '9 value expires',
      '10 value hidden',
      '11 twice',
      '12 value name',
      '12 name name',
      '13 columns',
      '15 value name',
      '15 name name',
    ])
    expect(await accounts()).toEqual([])
    expect((await imported(file, { skipBad: true })).applied).toBe(true)
    expect((await accounts()).map((each) => [each.displayName, each.hidden])).toEqual([
      ['Ada', false],
      ['M', true],
    ])
    const dry = await importPeople({ data, bytes: Buffer.from('name,id\nN,13') })
    expect(dry).toMatchObject({ applied: false, report: { created: [{ line: 2, name: 'N' }] } })
    expect(await accounts()).toHaveLength(2)
  })

  test.each([
    ['0 empty', ''],
    ['0 empty', '\n\n'],
    ['0 encoding', Buffer.from('name,id\nA,1', 'utf16le')],
    ['1 encoding.mixed', Buffer.from([0xef, 0xbb, 0xbf, 0xff])],
    [
      '3 encoding.mixed',
      Buffer.concat([Buffer.from('name,id\nZoé,1\nL'), Buffer.from([0xe9]), Buffer.from('a,2')]),
    ],
    ['1 header.key', 'name\nA'],
    ['1 header.name', 'id\n1'],
    ['1 header.twice Nom complet', 'name,Nom complet,id\nA,A,1'],
    ['2 quotes', 'name,id\n"A,1\nB,2\n'],
    ['2 tooLarge', `name,id\n${'A'.repeat(20_000)},1`],
  ])('%s: the whole file is refused, also where bad lines are skipped', async (problem, content) => {
    const refused = await imported(content, { skipBad: true, disableMissing: true })
    expect([
      problemsOf(refused).map((each) => each.replace(/^\d (quotes|tooLarge)$/, '2 $1')),
      refused.applied,
    ]).toEqual([[problem], false])
    expect([refused.report.missing, refused.report.disabled]).toEqual([0, []])
  })

  test('an address of one account and the identifier of another are a conflict', async () => {
    await imported('name,email,id\nA,a@a.example,1\nB,b@a.example,2')
    expect(problemsOf(await imported('name,email,id\nC,a@a.example,2'))).toEqual(['2 conflict'])
  })

  test('an address that was given to somebody new does not hand over the account', async () => {
    await imported('name,email,id\nA,a@a.example,1\nB,b@a.example,')
    const before = await accounts()
    expect(problemsOf(await imported('name,email,id\nC,a@a.example,3'))).toEqual(['2 conflict'])
    expect(await accounts()).toEqual(before)
    // Who had no identifier yet gets one; who has one may have a new address.
    await imported('name,email,id\nA,new@a.example,1\nB,b@a.example,2')
    expect((await accounts()).map(({ email, identifier }) => [email, identifier])).toEqual([
      ['new@a.example', '1'],
      ['b@a.example', '2'],
    ])
  })

  test('nobody is disabled for a line that was refused, nor by a file without persons, nor who has a role by hand', async () => {
    await imported('name,email,id\nA,a@a.example,1\nB,b@a.example,2\nC,,3\nD,,4')
    const [, , , d] = await accounts()
    await administer({ kind: 'role', accountId: d?.accountId ?? '', role: 'auditor', expiresAt: null })
    const before = await accounts()
    const strict = { skipBad: true, disableMissing: true }
    for (const file of ['name,id', 'name,id\n,1', 'name,id\nA,1\nB,', 'name,email,id\nA,b@a.example,1']) {
      expect((await imported(file, strict)).applied).toBe(false)
      expect(await accounts()).toEqual(before)
    }
    const { report } = await imported('name,id\nA,1\nB,2', strict)
    expect(report.disabled.map(({ name }) => name)).toEqual(['C'])
    expect((await accounts()).map(({ disabled }) => disabled)).toEqual([false, false, true, false])
  })

  test('an empty cell takes nothing away: it means the default for a new account alone', async () => {
    const head = 'name,id,title,service,organisation,email,role,expires,hidden'
    await imported(`${head}\nA,1,Chef,RH,O,a@a.example,guest,2027-01-31,yes\nB,2,,,,,,,`)
    const before = await accounts()
    expect(before[1]).toMatchObject({ title: '', organisation: 'Ministère', role: 'member', hidden: false })
    expect((await imported(`${head}\nA,1,,,,,,,\nB,2,,,,,,,`)).report.unchanged).toBe(2)
    expect((await imported(`${head}\nA,1,,,,,guest,,\nB,2,,,,,,,`)).report.unchanged).toBe(2)
    expect(await accounts()).toEqual(before)
    expect(problemsOf(await imported(`${head}\nB,2,,,,,guest,,`))).toEqual(['2 expiry'])
  })

  test('an import that fails leaves the codes of an earlier one', async () => {
    await imported('name,id\nA,1\nB,2')
    const before = await readFile(codes)
    const db = openDatabase(databaseFile(data))
    db.exec(`CREATE TRIGGER failing BEFORE UPDATE ON accounts BEGIN SELECT RAISE(ABORT, 'x'); END`)
    db.close()
    const apply = { address: 'http://127.0.0.1:9', codes, skipBad: false, disableMissing: false }
    const failing = async (content: string): Promise<Imported> =>
      importPeople({ data, bytes: Buffer.from(content), apply })
    await expect(failing('name,id,title\nA,1,Chef')).rejects.toThrow()
    expect(await readFile(codes)).toEqual(before)
    await rm(codes)
    await expect(failing('name,id,title\nA,1,Chef\nC,3,')).rejects.toThrow()
    await expect(stat(codes)).rejects.toThrow('ENOENT')
  })

  test('whatever the bytes, there is an answer', () => {
    const line = fc.array(fc.constantFrom('a', '"', ',', ';', '\n', '\r', '\0', 'é', '=', ' '), {
      maxLength: 60,
    })
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array({ maxLength: 200 }),
          line.map((cells) => Buffer.from(cells.join(''))),
        ),
        (bytes) => {
          for (const content of [bytes, Buffer.concat([Buffer.from('name,id\n'), bytes])]) {
            const read = readPeopleFile(content, [])
            expect(read.useless).toBe(read.useless && read.problems.length > 0)
          }
        },
      ),
      { numRuns: 2_000 },
    )
  })

  test('a day is one that there is', () => {
    expect(endOfDay('2024-02-29')).toBe(Date.UTC(2024, 2, 1))
    expect(endOfDay('31/12/2027')).toBe(Date.UTC(2028, 0, 1))
    for (const text of ['2023-02-29', '31/04/2027', '12/31/2027', '1/1/2027', '2027', ''])
      expect(endOfDay(text)).toBeNull()
  })

  test('20,000 persons are imported together', async () => {
    const rows = Array.from(
      { length: 20_000 },
      (_, n) => `Agent ${n},a${n}@a.example,${n},Chef de bureau,Direction ${n % 50}`,
    )
    const content = ['name,email,id,title,organisation', ...rows].join('\n')
    const started = performance.now()
    expect((await imported(content)).report.created).toHaveLength(20_000)
    const created = performance.now()
    expect((await imported(content)).report.unchanged).toBe(20_000)
    process.stdout.write(
      `import of 20,000: ${Math.round(created - started)} ms, again ${Math.round(performance.now() - created)} ms\n`,
    )
  })
})

function english(delimiter: string): string {
  return [
    ['Display name', 'Job title', 'Department', 'Organization', 'E-mail', 'Employee number'],
    ['Zoé Lefèvre', 'Chef de bureau', 'RH', 'Direction/Bureau 1', 'ZOE.lefevre@A.example', 'M1'],
    ['"Noël Œuvrard"', '', '', '', '', 'M2'],
  ]
    .map((cells) => cells.join(delimiter))
    .join('\n')
}

/** Windows-1252: Latin-1 with the letters that French needs besides. */
function latin1(text: string): Uint8Array {
  return Buffer.from(text.replaceAll('Œ', '\u008c'), 'latin1')
}
