import { cp, rename } from 'node:fs/promises'
import { join } from 'node:path'
import AxeBuilder from '@axe-core/playwright'
import type { Page } from '@playwright/test'
import { createText } from '../src/text/index.ts'
import { expect, test } from './fixture.ts'
import {
  acceptRequest,
  burstSoFar,
  chooseConversation,
  expectState,
  numbered,
  onTheWay,
  openConversation,
  openSection,
  readReady,
  readSides,
  readThread,
  reconnect,
  row,
  startBurst,
  write,
} from './support/conversation.ts'
import { enrolPair, solene, tahar } from './support/pair.ts'
import { enrol, text, unlock, waitForPhase } from './support/workstation.ts'

const english = createText('en')

async function expectAccessible(page: Page): Promise<void> {
  const { violations } = await new AxeBuilder({ page }).setLegacyMode(true).analyze()
  expect(violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' | ')}`)).toEqual([])
}

test('two people write to each other live, and a restart keeps all of it', async ({ relay, workstation }) => {
  const { left, right, toLeft } = await enrolPair(relay, workstation)

  await test.step('both ways, with the states of each message', async () => {
    await write(left.page, 'Le rapport est prêt.')
    await expect(row(right.page, 'Le rapport est prêt.')).toBeVisible(onTheWay)
    await expectState(left.page, 'Le rapport est prêt.', 'arrived')
    await expectState(right.page, 'Le rapport est prêt.', 'received')
    await write(right.page, 'Merci, je le lis\nce soir.')
    await expect(row(left.page, 'Merci, je le lis\nce soir.')).toBeVisible(onTheWay)
    await expectState(right.page, 'Merci, je le lis\nce soir.', 'arrived')
    await expect(row(left.page, 'Merci, je le lis\nce soir.')).toContainText(tahar.service)
  })

  await test.step('what came while one looked elsewhere is counted, and is read when shown', async () => {
    await openSection(right.page, 'settings')
    for (const words of ['Un', 'Deux', 'Trois']) await write(left.page, words)
    const counted = right.page.getByRole('navigation').locator('.count')
    await expect(counted).toHaveText('1', onTheWay)
    await expect
      .poll(async () => (await readReady(right.page)).conversations.map(({ unread }) => unread))
      .toEqual([3])
    await expect(right.page).toHaveTitle(/^\(1\) /)
    await right.app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]?.focus())
    await openSection(right.page, 'messages')
    await expect(row(right.page, 'Trois')).toBeVisible()
    await expect(right.page.getByText(text('thread.new'), { exact: true })).toBeVisible()
    await expect(counted).toBeHidden()
  })

  await test.step('the window is accessible', () => expectAccessible(left.page))

  await test.step('another language and theme, and a draft', async () => {
    await openSection(right.page, 'settings')
    await right.page.getByLabel(text('settings.theme'), { exact: true }).selectOption('dark')
    await right.page.getByLabel(text('settings.language'), { exact: true }).selectOption('en')
    await expect(right.page.getByRole('heading', { name: english('settings.title') })).toBeVisible()
    await openSection(right.page, 'messages', english)
    await expect(right.page.getByRole('button', { name: english('composer.send') })).toBeVisible()
    await right.page.getByTestId('composer').fill('Encore à relire')
    await expect
      .poll(async () => (await readReady(right.page)).conversations.map(({ draft }) => draft))
      .toEqual(['Encore à relire'])
  })

  await test.step('all of it is there after a restart', async () => {
    const before = await readThread(right.page, toLeft)
    expect(before).toHaveLength(5)
    await right.close()
    const again = await workstation('right')
    await unlock(again.page)
    await expect(again.page.locator('html')).toHaveAttribute('lang', 'en')
    await expect(again.page.locator('html')).toHaveAttribute('data-theme', 'dark')
    const option = again.page.getByTestId('conversation-list').getByRole('option')
    await expect(option).toContainText(english('list.draft'))
    await chooseConversation(again.page, solene.name)
    await expect(again.page.getByTestId('composer')).toHaveValue('Encore à relire')
    await expect(row(again.page, 'Le rapport est prêt.')).toBeVisible()
    expect(await readThread(again.page, toLeft)).toEqual(before)
    await again.page.getByTestId('composer').press('Enter')
    await expect(row(left.page, 'Encore à relire')).toBeVisible(onTheWay)
  })
})

test('500 messages in bursts arrive once and in order', async ({ relay, workstation }) => {
  const { left, right, toRight, toLeft } = await enrolPair(relay, workstation)
  const sent = { left: numbered('Gauche', 250), right: numbered('Droite', 250) }
  const sides = [
    { page: left.page, id: toRight, texts: sent.left },
    { page: right.page, id: toLeft, texts: sent.right },
  ]
  // Typed ones before and after, so that the composer's own way is in it too.
  await Promise.all(
    sides.map(async ({ page, id, texts }) => {
      for (const words of texts.slice(0, 5)) await write(page, words)
      await startBurst(page, id, texts.slice(5, 245))
      await expect.poll(async () => (await burstSoFar(page)).accepted.length, onTheWay).toBe(240)
      for (const words of texts.slice(245)) await write(page, words)
    }),
  )
  const patience = { timeout: 60_000 }
  await expect
    .poll(() => readSides(right.page, toLeft), patience)
    .toEqual({ own: sent.right, received: sent.left })
  await expect
    .poll(() => readSides(left.page, toRight), patience)
    .toEqual({ own: sent.left, received: sent.right })
  for (const { page, id } of sides) {
    await expect
      .poll(async () => (await readThread(page, id)).filter(({ delivery }) => delivery === 'sent'), onTheWay)
      .toEqual([])
    const all = await readThread(page, id)
    expect(new Set(all.map(({ messageId }) => messageId)).size).toBe(500)
    const positions = all.map(({ position }) => position)
    expect(positions).toEqual([...new Set(positions)].toSorted((a, b) => a - b))
    await expect(row(page, all.at(-1)?.text ?? '')).toBeVisible()
    // What is on the screen is the end of it, in the same order.
    const shown = await page
      .getByTestId('thread')
      .getByRole('article')
      .evaluateAll((rows) => rows.map((one) => Number(one.getAttribute('data-position'))))
    expect(shown.length).toBeGreaterThan(10)
    expect(shown.slice(-10)).toEqual(positions.slice(-10))
  }
})

test('what is written while the recipient is away waits at the relay', async ({ relay, workstation }) => {
  const { left, right, toLeft } = await enrolPair(relay, workstation)
  await right.close()
  const waiting = ['Vous êtes parti ?', 'Je vous laisse la note.', 'À demain.']
  for (const words of waiting) await write(left.page, words)
  for (const words of waiting) await expectState(left.page, words, 'sent')
  const again = await workstation('right')
  await unlock(again.page)
  const option = again.page.getByTestId('conversation-list').getByRole('option')
  await expect(option.locator('.count')).toHaveText('3', onTheWay)
  await expect(option).toHaveAccessibleName(new RegExp(text('list.unread', { count: 3 })))
  for (const words of waiting) await expectState(left.page, words, 'arrived')
  expect((await readSides(again.page, toLeft)).received).toEqual(waiting)
})

test('what is written without the relay waits on the workstation, over a restart too', async ({
  relay,
  workstation,
}) => {
  const { left, right, toRight, toLeft } = await enrolPair(relay, workstation)
  await relay.stop()
  const banner = left.page.locator('.banner')
  await expect(banner).toContainText('Hors ligne depuis', onTheWay)
  await expect(left.page.getByRole('button', { name: text('composer.queue') })).toBeVisible()
  const waiting = ['Première note', 'À retirer', 'Deuxième note']
  for (const words of waiting) {
    await write(left.page, words)
    await expectState(left.page, words, 'queued')
  }
  await expect(left.page.getByText(text('thread.queued', { count: 3 }), { exact: true })).toBeVisible()
  await expect(banner).toContainText(text('banner.queued', { count: 3 }))
  const removed = row(left.page, 'À retirer')
  // By the keyboard: → goes from the row to what can be done with it.
  await removed.focus()
  await left.page.keyboard.press('ArrowRight')
  await expect(removed.getByRole('button', { name: text('thread.cancel') })).toBeFocused()
  await left.page.keyboard.press('Enter')
  await expect(row(left.page, 'À retirer')).toHaveCount(0)
  await expect(right.page.locator('.banner')).toBeVisible(onTheWay)
  await write(right.page, 'Réponse sans réseau')
  await expectState(right.page, 'Réponse sans réseau', 'queued')

  await left.close()
  const again = await workstation('left')
  await unlock(again.page)
  await chooseConversation(again.page, tahar.name)
  await expectState(again.page, 'Deuxième note', 'queued')
  for (const { page } of [again, right]) {
    await expect(page.getByRole('button', { name: text('banner.retry') })).toBeVisible()
  }
  await relay.start()
  await Promise.all([reconnect(again.page), reconnect(right.page)])

  await expectState(again.page, 'Deuxième note', 'arrived')
  await expectState(right.page, 'Réponse sans réseau', 'arrived')
  const notes = ['Première note', 'Deuxième note']
  expect(await readSides(right.page, toLeft)).toEqual({ own: ['Réponse sans réseau'], received: notes })
  expect(await readSides(again.page, toRight)).toEqual({ own: notes, received: ['Réponse sans réseau'] })
})

test('a message that cannot go says why, and is tried again or removed', async ({
  relay,
  workstation,
  folder,
}) => {
  const left = await workstation('left')
  await waitForPhase(left.page, 'enrolment')
  await enrol(left.page, await relay.invite(solene))
  const invitation = await relay.invite(tahar)
  // A backup of the relay from before Tahar enrolled, which is restored once Solène has found him.
  const backup = join(folder, 'backup')
  await relay.stop()
  await cp(relay.data, backup, { recursive: true })
  await relay.start()
  const right = await workstation('right')
  await waitForPhase(right.page, 'enrolment')
  await enrol(right.page, invitation)
  await right.close()
  await expect.poll(async () => (await readReady(left.page)).connection.state, onTheWay).toBe('online')
  await openConversation(left.page, tahar.name)
  await relay.stop()
  await rename(relay.data, join(folder, 'newer'))
  await rename(backup, relay.data)
  await relay.start()

  await write(left.page, 'Pour Tahar')
  await write(left.page, 'À oublier')
  for (const words of ['Pour Tahar', 'À oublier']) {
    await expectState(left.page, words, 'failed')
    await expect(row(left.page, words)).toContainText('Cette personne n’est plus dans l’annuaire.')
  }
  await row(left.page, 'À oublier')
    .getByRole('button', { name: text('thread.discard') })
    .click()
  await expect(row(left.page, 'À oublier')).toHaveCount(0)

  await relay.stop()
  await rename(relay.data, backup)
  await rename(join(folder, 'newer'), relay.data)
  await relay.start()
  await reconnect(left.page)
  await row(left.page, 'Pour Tahar')
    .getByRole('button', { name: text('thread.retry') })
    .click()
  await expectState(left.page, 'Pour Tahar', 'sent')
  const again = await workstation('right')
  await unlock(again.page)
  // To Tahar, who has never written to her, she is a stranger.
  await chooseConversation(again.page, solene.name, 'request')
  await acceptRequest(again.page)
  await expectState(left.page, 'Pour Tahar', 'arrived')
  const { account } = await readReady(left.page)
  expect((await readSides(again.page, account.person.accountId)).received).toEqual(['Pour Tahar'])
})
