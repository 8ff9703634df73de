import { randomBytes } from 'node:crypto'
import { cp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ErrorCode } from '../src/base/errors.ts'
import { errorText } from '../src/text/index.ts'
import { expect, test } from './fixture.ts'
import { solene } from './support/pair.ts'
import { startKeyring } from './support/keyring.ts'
import { enrol, passphrase, readState, text, waitForPhase } from './support/workstation.ts'

/** The files of a profile, Chromium's left out, as they are. */
async function filesOf(profile: string): Promise<Record<string, string>> {
  const names = (await readdir(profile)).filter((name) => name !== 'chromium')
  const read = names.map(async (name) => [name, (await readFile(join(profile, name))).toString('base64')])
  return Object.fromEntries(await Promise.all(read))
}

interface Damage {
  readonly name: string
  readonly code: ErrorCode
  readonly make: (vault: Buffer) => Buffer | Promise<Buffer>
}

const page = 4096

function damages(plainDatabase: string): readonly Damage[] {
  return [
    { name: 'random bytes', code: 'vault.wrongKey', make: (vault) => randomBytes(vault.length) },
    {
      name: 'cut within a page',
      code: 'vault.damaged',
      make: (vault) => vault.subarray(0, vault.length / 2 + 100),
    },
    { name: 'cut after some pages', code: 'vault.damaged', make: (vault) => vault.subarray(0, 3 * page) },
    { name: 'empty', code: 'vault.notAVault', make: () => Buffer.alloc(0) },
    { name: 'a plain database', code: 'vault.notAVault', make: () => readFile(plainDatabase) },
  ]
}

test('a file that is not this vault is refused by its code, and nothing of it is changed', async ({
  relay,
  workstation,
  folder,
}) => {
  test.skip(process.platform !== 'linux', 'a throw-away key store exists on Linux only')
  const keyring = await startKeyring(folder)
  if (keyring === null) throw new Error('no key store came up: are dbus and gnome-keyring installed?')
  const { env } = keyring
  const first = await workstation('whole', { env })
  await waitForPhase(first.page, 'enrolment')
  await enrol(first.page, await relay.invite(solene), 'osKeyStore')
  await first.close()
  await relay.stop()
  const whole = join(folder, 'whole')
  const database = (await readdir(relay.data)).find((name) => /\.(db|sqlite)$/u.test(name)) ?? ''
  for (const { name, code, make } of damages(join(relay.data, database))) {
    const profile = join(folder, name)
    await cp(whole, profile, { recursive: true })
    await rm(join(profile, 'chromium'), { recursive: true })
    const vault = join(profile, 'vault.db')
    await writeFile(vault, await make(await readFile(vault)))
    const before = await filesOf(profile)
    const started = await workstation(name, { env })
    await waitForPhase(started.page, 'refused')
    expect.soft(await readState(started.page), name).toMatchObject({ error: { code } })
    await expect.soft(started.page.getByRole('alert'), name).toHaveText(errorText(text, code))
    await expect.soft(started.page.getByText(text('refused.code', { code })), name).toBeVisible()
    const closed = started.app.waitForEvent('close')
    // The window may be gone before the click is reported.
    await started.page
      .getByRole('button', { name: text('refused.close') })
      .click()
      .catch(() => undefined)
    await closed
    expect.soft(await filesOf(profile), name).toEqual(before)
    expect.soft(started.log(), name).not.toMatch(/\bat .+\.js:\d+/u)
  }
  // What the damaged ones were copied from still opens.
  await waitForPhase((await workstation('whole', { env })).page, 'ready')
  await keyring.stop()
})

test('a damaged vault under a passphrase says so where the passphrase is asked for', async ({
  relay,
  workstation,
  folder,
}) => {
  const first = await workstation('damaged')
  await waitForPhase(first.page, 'enrolment')
  await enrol(first.page, await relay.invite(solene))
  await first.close()
  const profile = join(folder, 'damaged')
  const vault = join(profile, 'vault.db')
  await writeFile(vault, randomBytes((await readFile(vault)).length))
  const before = await filesOf(profile)
  const started = await workstation('damaged')
  await waitForPhase(started.page, 'locked')
  await started.page.getByLabel(text('lock.passphrase'), { exact: true }).fill(passphrase)
  await started.page.keyboard.press('Enter')
  const said = started.page.getByRole('alert').filter({ hasText: errorText(text, 'vault.wrongKey') })
  await expect(said).toBeVisible()
  expect((await readState(started.page)).phase).toBe('locked')
  await started.close()
  const { 'vault.db': bytes } = await filesOf(profile)
  expect(bytes).toBe(before['vault.db'])
  expect(await readdir(profile)).toEqual(expect.arrayContaining(Object.keys(before)))
})
