import { setTimeout as pause } from 'node:timers/promises'
import { expect, test } from './fixture.ts'
import {
  arrivedStates,
  burstSoFar,
  numbered,
  readReady,
  readSides,
  readThread,
  reconnect,
  startBurst,
  write,
  chooseConversation,
  expectState,
} from './support/conversation.ts'
import { startKeyring } from './support/keyring.ts'
import { enrolPair, solene, tahar } from './support/pair.ts'
import { enrol, readState, text, unlock, waitForPhase, type Workstation } from './support/workstation.ts'

/** Own messages that the other side has not confirmed. */
async function undelivered({ page }: Workstation, conversationId: string): Promise<number> {
  const messages = await readThread(page, conversationId)
  return messages.filter(({ own, delivery }) => own && !arrivedStates.includes(delivery)).length
}

const patience = { timeout: 60_000 }

test('a relay killed in the middle of bursts loses and doubles nothing', async ({ relay, workstation }) => {
  const { left, right, toRight, toLeft } = await enrolPair(relay, workstation)
  const sent = { left: numbered('Gauche', 200), right: numbered('Droite', 200) }
  const burst = (from: number, to: number) =>
    Promise.all([
      startBurst(left.page, toRight, sent.left.slice(from, to)),
      startBurst(right.page, toLeft, sent.right.slice(from, to)),
    ])
  const arrived = async (): Promise<number> => (await readSides(right.page, toLeft)).received.length
  const killed: number[] = []
  for (const [from, to] of [
    [0, 100],
    [100, 200],
  ] as const) {
    await burst(from, to)
    await pause(200)
    await relay.kill()
    // Without a relay nothing moves: what has arrived now is what had when it was killed.
    killed.push(await arrived())
    await relay.start()
    await Promise.all([reconnect(left.page), reconnect(right.page)])
    await expect.poll(arrived, patience).toBeGreaterThan(from)
  }
  expect(killed[0]).toBeLessThan(100)
  expect(killed[1]).toBeLessThan(200)
  expect(killed[1]).toBeGreaterThan(0)
  await expect
    .poll(() => readSides(right.page, toLeft), patience)
    .toEqual({ own: sent.right, received: sent.left })
  await expect
    .poll(() => readSides(left.page, toRight), patience)
    .toEqual({ own: sent.left, received: sent.right })
  await expect.poll(() => undelivered(left, toRight), patience).toBe(0)
  await expect.poll(() => undelivered(right, toLeft), patience).toBe(0)
})

test('a workstation killed in the middle of sending keeps what it accepted, once and in order', async ({
  relay,
  workstation,
}) => {
  const { left, right, toRight, toLeft } = await enrolPair(relay, workstation)
  const sent = numbered('Rafale', 300)
  await startBurst(left.page, toRight, sent.slice(0, 100))
  await expect.poll(async () => (await burstSoFar(left.page)).accepted.length, patience).toBe(100)
  await startBurst(left.page, toRight, sent.slice(100))
  await pause(100)
  await left.kill()
  const arrived = async (): Promise<readonly string[]> => (await readSides(right.page, toLeft)).received
  expect((await arrived()).length).toBeLessThan(300)

  const again = await workstation('left')
  await unlock(again.page)
  await chooseConversation(again.page, tahar.name)
  await write(again.page, 'Après la coupure')
  await expectState(again.page, 'Après la coupure', 'arrived')
  const { own } = await readSides(again.page, toRight)
  // All that was accepted, perhaps some that were being accepted, none twice, none left out.
  expect(own.length - 1).toBeGreaterThanOrEqual(100)
  expect(own).toEqual([...sent.slice(0, own.length - 1), 'Après la coupure'])
  await expect.poll(arrived, patience).toEqual(own)
  await expect.poll(() => undelivered(again, toRight), patience).toBe(0)
})

test('a workstation killed in the middle of receiving misses nothing', async ({ relay, workstation }) => {
  const { left, right, toRight, toLeft } = await enrolPair(relay, workstation)
  const sent = numbered('Rafale', 400)
  await startBurst(left.page, toRight, sent)
  const arrived = async (): Promise<number> => (await readSides(right.page, toLeft)).received.length
  await expect.poll(arrived, { ...patience, intervals: [10] }).toBeGreaterThan(20)
  await right.kill()
  // Once all have left, what was not delivered waits for the one who was killed.
  await expect.poll(async () => (await readReady(left.page)).connection.queued, patience).toBe(0)
  expect(await undelivered(left, toRight)).toBeGreaterThan(0)

  const again = await workstation('right')
  await unlock(again.page)
  await expect.poll(async () => (await readSides(again.page, toLeft)).received, patience).toEqual(sent)
  await expect.poll(() => undelivered(left, toRight), patience).toBe(0)
  await chooseConversation(again.page, solene.name)
  await write(again.page, 'Tout est là')
  await expectState(again.page, 'Tout est là', 'arrived')
})

test('a vault under a passphrase asks for it after a kill, and counts what was wrong', async ({
  relay,
  workstation,
}) => {
  const first = await workstation('locked')
  await waitForPhase(first.page, 'enrolment')
  await enrol(first.page, await relay.invite(solene))
  await first.kill()

  const { page } = await workstation('locked')
  await waitForPhase(page, 'locked')
  const field = page.getByLabel(text('lock.passphrase'), { exact: true })
  const open = page.getByRole('button', { name: text('lock.unlock') })
  for (const left of [4, 3]) {
    await field.fill('quatre mots pour se tromper')
    await open.click()
    await expect(page.getByText(text('lock.attemptsLeft', { count: left }))).toBeVisible()
    await expect(page.getByRole('alert')).toContainText('Phrase de passe incorrecte. Le coffre reste fermé.')
  }
  await unlock(page)
  await expect(page.getByTestId('composer')).toHaveCount(0)
  await expect(page.getByRole('navigation')).toBeVisible()
})

test('a vault in the key store of the system opens by itself, after a kill too', async ({
  relay,
  workstation,
  folder,
}) => {
  test.skip(process.platform !== 'linux', 'a throw-away key store exists on Linux only')
  const keyring = await startKeyring(folder)
  if (keyring === null) throw new Error('no key store came up: are dbus and gnome-keyring installed?')
  const { env } = keyring
  const first = await workstation('kept', { env })
  await waitForPhase(first.page, 'enrolment')
  await enrol(first.page, await relay.invite(solene), 'osKeyStore')
  await first.kill()
  const again = await workstation('kept', { env })
  await waitForPhase(again.page, 'ready')
  await again.close()
  // Without the key store there is no key, and no start.
  const without = await workstation('kept')
  await waitForPhase(without.page, 'refused')
  expect(await readState(without.page)).toMatchObject({ error: { code: 'vault.noKeyStore' } })
  await keyring.stop()
})
