import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { randomBytes, randomUUID } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openSqliteStore } from '../store/sqlite.ts'
import { canonicalDomain, canonicalDomainEntry, canonicalEmail, isAllowedEmail } from './email.ts'
import { mailMessage, sendMail } from './mail.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'valise-email-'))
})
afterAll(async () => rm(folder, { recursive: true, force: true }))

describe('one form of an address', () => {
  test.each([
    ['Jean.DUPONT@Interieur.GOUV.fr', 'jean.dupont@interieur.gouv.fr'],
    ["o'neil+x_y-z@a.example", "o'neil+x_y-z@a.example"],
    ['a@xn--caf-dma.example', 'a@xn--caf-dma.example'],
    ['1@a1.b-c.example', '1@a1.b-c.example'],
    [`${'a'.repeat(64)}@a.example`, `${'a'.repeat(64)}@a.example`],
  ])('%s is taken', (given, canonical) => {
    expect(canonicalEmail(given)).toBe(canonical)
  })

  test.each([
    // Tchap, April 2019: checked by the last domain, mailed to the first.
    'a@x@elysee.fr',
    'a@elysee.fr@x.example',
    'a',
    '@a.example',
    'a@',
    'a@@a.example',
    '"a@x"@a.example',
    'a(comment)@a.example',
    'a@a.example(comment)',
    '<a@a.example>',
    'A <a@a.example>',
    'a@a.example,b@a.example',
    'a@a.example;b@a.example',
    ' a@a.example',
    'a@a.example ',
    'a@a.example\n',
    'a@a.example\r\nBcc: x@x.example',
    'a\u0000@a.example',
    'a@a.example\u0000',
    'a%x.example@a.example',
    'x.example!a@a.example',
    '@x.example:a@a.example',
    'a@[127.0.0.1]',
    'a@[IPv6:::1]',
    'a@127.0.0.1',
    'a@a.1',
    'a@a.example.',
    'a@.a.example',
    'a@a..example',
    'a@-a.example',
    'a@a-.example',
    'a@localhost',
    '.a@a.example',
    'a.@a.example',
    'a..b@a.example',
    '-a@a.example',
    'а@a.example', // Cyrillic a
    'a@ехample.example', // Cyrillic e and kh
    'a@a\u3002example', // an ideographic full stop, which IDNA takes for a point
    'a@a.example\u202e',
    'ａ@a.example', // full width
    'a\uff20a.example', // full-width @
    'a@a.exam\u00adple',
    'a@xn--a.example',
    'a@xn--caf-DMA-.example',
    'a@XN--CAFE.example',
    'a@ab--cd.example',
    `${'a'.repeat(65)}@a.example`,
    `a@${'a'.repeat(64)}.example`,
    `a@${'a.'.repeat(127)}example`,
    `a@${Array.from({ length: 40 }, () => 'abcdef').join('.')}`,
    'mailto:a@a.example',
    'a\\@x@a.example',
    'a@a.example/x',
    'a@a_b.example',
  ])('%j is refused', (given) => {
    expect(canonicalEmail(given)).toBeNull()
  })

  test('a domain is given in any script and kept in one; an entry of the list may stand for what is under it', () => {
    expect(canonicalDomain('Café.Example')).toBe('xn--caf-dma.example')
    expect(canonicalDomain('a b.example')).toBeNull()
    expect(canonicalDomainEntry('*.Gouv.FR')).toBe('*.gouv.fr')
    expect(canonicalDomainEntry('*.*.fr')).toBeNull()
    expect(canonicalDomainEntry('*')).toBeNull()
    const domains = ['a.example', '*.gouv.fr']
    const allowed = (address: string): boolean => isAllowedEmail(address, domains)
    expect(['x@a.example', 'x@b.gouv.fr', 'x@c.b.gouv.fr'].map(allowed)).toEqual([true, true, true])
    expect(['x@b.a.example', 'x@gouv.fr', 'x@xgouv.fr', 'x@a.example.org'].map(allowed)).toEqual(
      Array.from({ length: 4 }, () => false),
    )
    expect(isAllowedEmail('x@a.example', [])).toBe(false)
  })
})

const pick = (...values: string[]): fc.Arbitrary<string> => fc.constantFrom(...values)
const plainLocal = fc.stringMatching(/^[a-zA-Z0-9]{1,8}([._+'-][a-zA-Z0-9]{1,8}){0,3}$/)
const trickyLocal = fc.oneof(
  pick('a@x', '"a@x"', '"a b"', 'a(b)', 'a%x.example', 'x!a', '@x:a', 'a..b', '.a', 'a.', '-a', 'a\\@x'),
  pick('а', 'ａ', 'é', 'a\u200b', 'a\u202e', 'a\r\nTo: b@x.example\r\n', 'a\u0000', 'a b', 'a,b', 'A <a', ''),
  fc.string({ unit: 'binary', maxLength: 12 }),
  fc.integer({ min: 60, max: 70 }).map((length) => 'a'.repeat(length)),
)
const plainDomain = pick('a.example', 'A.Example', 'b.a.example', 'xn--caf-dma.example', 'x1.a-b.example')
const trickyDomain = fc.oneof(
  pick('elysee.fr@x', 'x@elysee.fr', '[127.0.0.1]', '[IPv6:::1]', '127.0.0.1', 'localhost', 'a.example.'),
  pick(
    'a.example(c)',
    'a.example>',
    'a.example\r\nBcc: x@x.example',
    'a.example\u0000',
    'a.example,b.c',
    'a..b',
  ),
  pick(
    'ехample.example',
    'café.example',
    'xn--a.example',
    'XN--CAFE.example',
    'a\u3002example',
    'a.exam\u00adple',
  ),
  fc.string({ unit: 'binary', maxLength: 20 }),
  fc.integer({ min: 58, max: 68 }).map((length) => `${'a'.repeat(length)}.example`),
  fc.integer({ min: 100, max: 130 }).map((count) => `${'a.'.repeat(count)}example`),
)
const generated = fc
  .tuple(
    fc.oneof({ weight: 2, arbitrary: plainLocal }, { weight: 1, arbitrary: trickyLocal }),
    fc.oneof(
      { weight: 8, arbitrary: pick('@') },
      { weight: 1, arbitrary: pick('@@', '＠', '', '%40', ' @ ') },
    ),
    fc.oneof({ weight: 2, arbitrary: plainDomain }, { weight: 1, arbitrary: trickyDomain }),
  )
  .map(([name, at, host]) => name + at + host)

/** Recipients as a mail server reads them in a message: every field that may name one, and both readings of an @. */
function recipientsOf(message: string): readonly string[] {
  const head = message.slice(0, message.search(/\r\n\r\n|\n\n|\r\r/))
  const fields = head.split(/\r\n|\n|\r/).filter((line) => /^(?:to|cc|bcc|resent-\w+)\s*:/i.test(line))
  const values = fields.map((line) => line.slice(line.indexOf(':') + 1).trim())
  return values.flatMap((value) => {
    const [name = '', first = ''] = value.split('@')
    return [`${name}@${first}`, value]
  })
}

describe('10,000 addresses with tricks', () => {
  const given = fc.sample(generated, 10_000)
  const accepted = new Map<string, string>()
  for (const text of given) {
    const canonical = canonicalEmail(text)
    if (canonical !== null) accepted.set(canonical, text)
  }

  test('what is taken is what was given, but for the case of its letters, and stays what it is', () => {
    const taken = given.filter((text) => canonicalEmail(text) !== null)
    expect(taken.length).toBeGreaterThan(2_000)
    expect(taken.length).toBeLessThan(8_000)
    for (const [canonical, text] of accepted) {
      expect(text.toLowerCase()).toBe(canonical)
      expect(canonicalEmail(canonical)).toBe(canonical)
      expect(canonical.split('@')).toHaveLength(2)
    }
  })

  test('what was checked, what is stored and what is mailed are equal', async () => {
    const store = openSqliteStore(join(folder, 'relay.db'))
    const usual = { kind: 'create', role: 'member', expiresAt: null, hidden: false } as const
    const checked = [...accepted.keys()].filter((address) =>
      isAllowedEmail(address, ['*.example', 'a.example']),
    )
    expect(checked.length).toBeGreaterThan(1_000)
    const outcomes = await store.people.apply(
      checked.map((email) => ({
        ...usual,
        accountId: randomUUID(),
        profile: { displayName: email, title: '', service: '', organisation: '', identifier: null, email },
        invitation: { codeHash: new Uint8Array(randomBytes(32)), createdAt: 0, expiresAt: 1 },
      })),
      { by: { kind: 'operator', name: 'root' }, now: 0 },
    )
    expect(outcomes.every(({ kind }) => kind === 'done')).toBe(true)
    const stored = (await store.people.page(null, 20_000, null)).map((person) => person.email ?? '')
    expect(stored.toSorted()).toEqual(checked.toSorted())
    for (const to of stored) {
      const mailed = recipientsOf(mailMessage({ to, subject: 'Invitation à Valise', text: 'x'.repeat(200) }))
      expect(mailed).toEqual([to, to])
    }
    await store.close()
  })

  test('a mail program gets the stored string, as its argument and in the message', async () => {
    const program = join(folder, 'program.mjs')
    const out = join(folder, 'out.json')
    await writeFile(
      program,
      `import { readFileSync, writeFileSync } from 'node:fs'
       writeFileSync(${JSON.stringify(out)}, JSON.stringify([...process.argv.slice(2), readFileSync(0, 'utf8')]))`,
    )
    for (const to of [...accepted.keys()].slice(0, 5)) {
      const subject = 'Votre invitation à Valise, « messagerie » du ministère\r\nBcc: x@x.example'
      await sendMail([process.execPath, program, '-i'], { to, subject, text: 'Bonjour é\r\n.\r\n' })
      const [flag, recipient, message]: string[] = JSON.parse(await readFile(out, 'utf8'))
      expect([flag, recipient, recipientsOf(message ?? '')]).toEqual(['-i', to, [to, to]])
      const body = Buffer.from(message?.split('\r\n\r\n')[1] ?? '', 'base64').toString()
      expect(body).toBe('Bonjour é\r\n.\r\n')
    }
    const mail = { to: 'a@a.example', subject: '', text: '' }
    await expect(sendMail([process.execPath, '-e', 'process.exit(3)'], mail)).rejects.toThrow('mail.failed')
    await expect(sendMail([join(folder, 'nothing')], mail)).rejects.toThrow('mail.failed')
    await expect(sendMail([], mail)).rejects.toThrow('mail.failed')
    const endless = sendMail([process.execPath, '-e', 'setInterval(() => undefined, 1_000)'], mail, 100)
    await expect(endless).rejects.toThrow('mail.failed')
  })
})
