import { execFileSync } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Page } from '@playwright/test'
import { expect, test } from './fixture.ts'
import { formsOf, makeMarks, Scanner } from './support/canary.ts'
import {
  chooseConversation,
  onTheWay,
  openConversation,
  openSection,
  readReady,
  readSides,
  reconnect,
  write,
} from './support/conversation.ts'
import { solene, tahar } from './support/pair.ts'
import { enrol, text, unlock, waitForPhase, type Workstation } from './support/workstation.ts'

// A trace would keep what was typed; it is the test's own file, but costs more than the test.
test.use({ trace: 'off' })

test('the scanner finds every form in which a text can lie in a file', async ({ folder }) => {
  const [mark = '', ...others] = makeMarks(200)
  const scanner = new Scanner([...others, mark])
  for (const [name, bytes] of formsOf(mark)) {
    const place = join(folder, name.replaceAll(' ', '-'))
    await mkdir(place)
    await writeFile(
      join(place, 'planted'),
      Buffer.concat([Buffer.from('\0\x01CN'), bytes, Buffer.from('CNR')]),
    )
    const { hits, files } = await scanner.findBelow(place)
    expect(files).toBe(1)
    expect(hits.join(), name).toContain(`${name} of ${mark} in `)
  }
  // As a program would write it, wherever it stands in what is encoded.
  for (const before of ['', 'a', 'ab', 'abc']) {
    for (const encoding of ['base64', 'base64url', 'hex', 'utf16le'] as const) {
      const written = Buffer.from(`${before}${mark} et la suite`).toString(encoding)
      const bytes = encoding === 'utf16le' ? Buffer.from(`${before}${mark}`, 'utf16le') : Buffer.from(written)
      expect(scanner.find(bytes), `${encoding} after ${before}`).not.toEqual([])
    }
  }
  await writeFile(join(folder, mark), '')
  expect((await scanner.findBelow(folder)).hits.join()).toContain(`in the name of ${join(folder, mark)}`)
  expect(scanner.find(Buffer.from(`CNR ${others.join('').slice(4, 24)}`))).toEqual([])
})

test('200 texts that people type lie nowhere in clear, in use, after a stop and after a kill', async ({
  relay,
  workstation,
  folder,
}) => {
  // A killed program leaves no image of its memory; what a crash handler writes is Chromium's and is searched.
  if (process.platform === 'linux') execFileSync('prlimit', ['--core=0', '--pid', String(process.pid)])
  const marks = makeMarks(200)
  const unused = [...marks]
  const take = (count: number): string[] => unused.splice(0, count)
  const one = (): string => take(1).join()
  const scanner = new Scanner(marks)

  // Whatever a program could write to lies below the test's folder.
  const home = join(folder, 'home')
  const env = {
    HOME: home,
    TMPDIR: join(folder, 'tmp'),
    XDG_CONFIG_HOME: join(home, 'config'),
    XDG_CACHE_HOME: join(home, 'cache'),
  }
  for (const name of Object.values(env)) await mkdir(name, { recursive: true, mode: 0o700 })
  const started: Workstation[] = []
  const start = async (name: string): Promise<Workstation> => {
    const fresh = await workstation(name, { env })
    started.push(fresh)
    return fresh
  }
  // What the administrator says of people is the relay's to know (docs/relay-data.md), and nobody else's.
  const told = makeMarks(2)
  const names = new Scanner(told)
  const marked = (person: typeof solene, mark: string): typeof solene => ({
    ...person,
    name: `${person.name} ${mark}`,
  })
  const [leftPerson, rightPerson] = [marked(solene, told[0] ?? ''), marked(tahar, told[1] ?? '')]
  const expectNone = async (when: string): Promise<void> => {
    const { hits, files } = await scanner.findBelow(folder)
    expect(hits, when).toEqual([])
    const known = (await names.findBelow(folder)).hits.filter((hit) => !hit.includes(relay.data))
    expect(known, when).toEqual([])
    expect(files, when).toBeGreaterThan(20)
    for (const { log } of [...started, relay]) expect(scanner.find(Buffer.from(log())), when).toEqual([])
  }

  const passphrases = { left: one(), right: one() }
  const enrolled = async (side: 'left' | 'right', invitee: typeof solene): Promise<Workstation> => {
    const fresh = await start(side)
    await waitForPhase(fresh.page, 'enrolment')
    await enrol(fresh.page, await relay.invite(invitee), 'passphrase', {
      passphrase: passphrases[side],
      deviceName: one(),
    })
    return fresh
  }
  let [left, right] = await Promise.all([enrolled('left', leftPerson), enrolled('right', rightPerson)])
  const sent = { left: [] as string[], right: [] as string[] }
  let toRight = ''
  let toLeft = ''

  await test.step('searches, messages both ways, drafts', async () => {
    await Promise.all([left, right].map(({ page }) => search(page, take(8))))
    toRight = await openConversation(left.page, rightPerson.name)
    toLeft = await openConversation(right.page, leftPerson.name)
    for (let turn = 0; turn < 45; turn += 1) {
      const [fromLeft, fromRight] = await Promise.all([say(left.page, one()), say(right.page, one())])
      sent.left.push(fromLeft)
      sent.right.push(fromRight)
    }
    await Promise.all([left, right].map(({ page }) => draft(page, take(10))))
    await expect
      .poll(() => readSides(right.page, toLeft), onTheWay)
      .toEqual({ own: sent.right, received: sent.left })
    await expect
      .poll(() => readSides(left.page, toRight), onTheWay)
      .toEqual({ own: sent.left, received: sent.right })
    await expectNone('in use')
  })

  await test.step('after an orderly stop', async () => {
    await Promise.all([left.close(), right.close()])
    await relay.stop()
    await expectNone('stopped')
  })

  await test.step('a wrong passphrase, a queue without the relay, a queue at the relay', async () => {
    left = await start('left')
    await waitForPhase(left.page, 'locked')
    for (const wrong of take(2)) {
      await left.page.locator('input[type=password]').fill(wrong)
      await left.page.keyboard.press('Enter')
      await expect(left.page.getByRole('alert')).toContainText('Phrase de passe incorrecte.')
    }
    await unlock(left.page, passphrases.left)
    await chooseConversation(left.page, rightPerson.name)
    await left.page.getByTestId('composer').fill('')
    for (const words of take(20)) sent.left.push(await say(left.page, words))
    await expectNone('queued')
    await relay.start()
    await reconnect(left.page)
    await expect.poll(async () => (await readReady(left.page)).connection.queued, onTheWay).toBe(0)
    await expectNone('at the relay')
  })

  await test.step('after a kill of everything in the middle of it', async () => {
    right = await start('right')
    await unlock(right.page, passphrases.right)
    await chooseConversation(right.page, leftPerson.name)
    await right.page.getByTestId('composer').fill('')
    for (const words of take(10)) sent.right.push(await say(right.page, words))
    await search(right.page, take(4))
    await openSection(left.page, 'messages')
    for (const words of unused.splice(8)) sent.left.push(await say(left.page, words))
    await draft(left.page, unused.splice(0))
    await Promise.all([left.kill(), right.kill(), relay.kill()])
    await expectNone('killed')
  })

  // All of it is still there for those who may read it.
  await relay.start()
  right = await start('right')
  await unlock(right.page, passphrases.right)
  left = await start('left')
  await unlock(left.page, passphrases.left)
  await expect
    .poll(() => readSides(right.page, toLeft), onTheWay)
    .toEqual({ own: sent.right, received: sent.left })
  await expect
    .poll(() => readSides(left.page, toRight), onTheWay)
    .toEqual({ own: sent.left, received: sent.right })
  expect(unused).toEqual([])
  expect(sent.left.length + sent.right.length).toBeGreaterThan(100)
})

async function say(page: Page, words: string): Promise<string> {
  await write(page, words)
  return words
}

/** Writes drafts over one another, each long enough to be kept; the last one stays. */
async function draft(page: Page, texts: readonly string[]): Promise<void> {
  for (const words of texts) {
    await page.getByTestId('composer').fill(words)
    // Leaving the window keeps a draft at once.
    await page.evaluate(() => (globalThis as unknown as EventTarget).dispatchEvent(new Event('blur')))
  }
  await expect
    .poll(async () => (await readReady(page)).conversations.map((kept) => kept.draft))
    .toEqual([texts.at(-1)])
}

/** Asks the relay's directory for each text in turn. */
async function search(page: Page, texts: readonly string[]): Promise<void> {
  await openSection(page, 'directory')
  await expect(page.getByText(text('directory.count', { count: 1 }), { exact: true })).toBeVisible(onTheWay)
  for (const words of texts) {
    await page.getByRole('searchbox').fill(words)
    // The directory is asked when typing pauses.
    await page.waitForTimeout(500)
  }
  await expect(page.getByText(text('directory.count', { count: 0 }), { exact: true })).toBeVisible(onTheWay)
}
