import type { Page } from '@playwright/test'
import type { ConversationView } from '../../src/contract/index.ts'
import { expect, expectAccessible, expectNoClipping, test } from './harness.ts'
import { people } from './people.ts'
import { at, conversation, conversations, message, ready, scenario, thread } from './scenarios.ts'

const her = people.aissatou
const composer = (page: Page) => page.getByTestId('composer')

const withHer = (over: Partial<ConversationView>) =>
  ready({
    conversations: conversations().map((one) => (one.person === her ? { ...one, ...over } : one)),
  })
const openHer = (page: Page) => page.getByRole('option', { name: /^Aïssatou/ }).click()
const menu = (page: Page, name: RegExp | string = 'Actions sur la conversation') =>
  page.getByRole('button', { name, exact: true }).click()

for (const [locale, title, accept, write] of [
  ['fr', 'Aïssatou Kermorvan veut vous écrire', 'Accepter', 'Écrire à Aïssatou Kermorvan'],
  ['en', 'Aïssatou Kermorvan wants to write to you', 'Accept', 'Write to Aïssatou Kermorvan'],
] as const) {
  test(`a request explains what accepting does and begins on no button (${locale})`, async ({
    page,
    valise,
  }) => {
    await valise.open(scenario(withHer({ standing: 'request' }), { appearance: { locale, theme: 'light' } }))
    await openHer(page)
    await expect(page.getByRole('heading', { name: title })).toBeFocused()
    await expect(composer(page)).toHaveCount(0)
    await expectAccessible(page)
    await page.getByRole('button', { name: accept, exact: true }).click()
    await expect(page.getByRole('textbox', { name: write })).toBeFocused()
    expect(await valise.calls('conversation.accept')).toEqual([{ conversationId: her.accountId }])
  })
}

test('a request can be blocked, which asks first; a blocked person can be unblocked', async ({
  page,
  valise,
}) => {
  await valise.open(scenario(withHer({ standing: 'request' })))
  await openHer(page)
  await page.getByRole('button', { name: 'Bloquer…' }).click()
  const dialog = page.getByRole('dialog', { name: /^Bloquer Aïssatou Kermorvan/ })
  await expect(dialog.getByRole('button', { name: 'Annuler' })).toBeFocused()
  await expectAccessible(page)
  await dialog.getByRole('button', { name: 'Bloquer', exact: true }).click()
  await expect(page.getByRole('heading', { name: 'Vous avez bloqué Aïssatou Kermorvan' })).toBeFocused()
  await expect(page.getByRole('option', { name: /^Aïssatou.*Bloqué/ })).toBeVisible()
  await expectAccessible(page)
  await page.getByRole('button', { name: 'Débloquer' }).click()
  await expect(composer(page)).toBeFocused()
})

test('the menu by keyboard: timer, mute, pin, archive; Escape gives the focus back', async ({
  page,
  valise,
}) => {
  await valise.open(scenario(ready()))
  await openHer(page)
  await menu(page)
  await expect(page.getByRole('menuitem', { name: 'Vérifier l’identité…' })).toBeFocused()
  await expectAccessible(page)
  for (let step = 0; step < 3; step += 1) await page.keyboard.press('ArrowDown')
  await expect(page.getByRole('menuitemradio', { name: '1\u00a0semaine' })).toBeFocused()
  await page.keyboard.press('Enter')
  await expect(page.getByRole('menu')).toHaveCount(0)
  await expect(page.getByTestId('thread')).toContainText(
    'Vous avez réglé les messages éphémères : 1\u00a0semaine.',
  )
  await expect(page.getByRole('img', { name: 'Messages éphémères : 1\u00a0semaine' })).toBeVisible()
  await menu(page)
  await expect(page.getByRole('menuitemradio', { name: '1\u00a0semaine' })).toHaveAttribute(
    'aria-checked',
    'true',
  )
  await page.keyboard.press('Escape')
  await expect(page.getByRole('button', { name: 'Actions sur la conversation' })).toBeFocused()
  await menu(page)
  await page.getByRole('menuitemradio', { name: 'En sourdine jusqu’à nouvel ordre' }).click()
  await menu(page)
  await page.getByRole('menuitemcheckbox', { name: 'Épingler' }).click()
  await expect(page.getByRole('group', { name: 'Épinglées' }).getByRole('option')).toHaveAccessibleName(
    /^Aïssatou.*en sourdine.*épinglée/,
  )
  await menu(page)
  await page.getByRole('menuitemcheckbox', { name: 'Archiver' }).click()
  await page.getByRole('option', { name: /^Nour/ }).click()
  await expect(page.getByRole('option', { name: /^Aïssatou/ })).toHaveCount(0)
  await page.getByRole('button', { name: 'Archivées 1' }).click()
  await expect(page.getByRole('option')).toHaveCount(1)
  expect(await valise.calls('conversation.settings')).toEqual([
    { conversationId: her.accountId, mutedUntil: 8.64e15 },
    { conversationId: her.accountId, pinned: true },
    { conversationId: her.accountId, archived: true },
  ])
})

test('the context menu of a conversation in the list, by key and by pointer', async ({ page, valise }) => {
  await valise.open(scenario(ready()))
  const option = page.getByRole('option', { name: /^Nour/ })
  await option.focus()
  await page.keyboard.press('Shift+F10')
  await expect(page.getByRole('menuitemradio', { name: 'Activées' })).toBeFocused()
  await expectAccessible(page)
  await page.keyboard.press('End')
  await page.keyboard.press('ArrowUp')
  await page.keyboard.press('Enter')
  await expect(page.getByRole('group', { name: 'Épinglées' }).getByRole('option')).toHaveAccessibleName(
    /^Nour/,
  )
  await option.click({ button: 'right' })
  await page.keyboard.press('Escape')
  await expect(option).toBeFocused()
  await valise.fail('conversation.settings', { code: 'vault.diskFull', details: {} })
  await option.click({ button: 'right' })
  await page.getByRole('menuitemcheckbox', { name: 'Archiver' }).click()
  await expect(page.getByRole('alert').filter({ hasText: 'Le disque est plein' })).toBeVisible()
  await expect(option).toBeVisible()
})

test('a timer that the other side chose is in the menu too', async ({ page, valise }) => {
  await valise.open(scenario(withHer({ timerSeconds: 14_400 })))
  await openHer(page)
  await menu(page)
  await expect(page.getByRole('menuitemradio', { name: '4\u00a0heures' })).toHaveAttribute(
    'aria-checked',
    'true',
  )
})

test('verifying from the menu: the number in groups, read digit by digit, then the seal', async ({
  page,
  valise,
}) => {
  await valise.open(scenario(ready()))
  await openHer(page)
  await expect(page.getByRole('button', { name: 'Vérifiée' })).toHaveCount(0)
  await menu(page)
  await page.keyboard.press('Enter')
  const dialog = page.getByRole('dialog', { name: 'Vérifier Aïssatou Kermorvan' })
  await expect(dialog.getByRole('button', { name: 'Plus tard' })).toBeFocused()
  const number = dialog.getByRole('group', { name: 'Numéro de sécurité, douze groupes de cinq chiffres' })
  await expect(number.locator('[aria-hidden]')).toHaveCount(12)
  const groups = await number.locator('[aria-hidden]').allTextContents()
  for (const group of groups) expect(group).toMatch(/^\d{5}$/)
  await expect(number).toContainText([...(groups[0] ?? '')].join(' '))
  await expectAccessible(page)
  await dialog.getByRole('button', { name: 'Les numéros sont identiques' }).click()
  await expect(dialog).toHaveCount(0)
  await page.getByRole('button', { name: 'Vérifiée' }).click()
  await expect(dialog).toContainText('l’identité est vérifiée')
  await dialog.getByRole('button', { name: 'Retirer la vérification' }).click()
  await expect(page.getByRole('button', { name: 'Vérifiée' })).toHaveCount(0)
  expect(await valise.calls('identity.verify')).toEqual([
    { accountId: her.accountId, verified: true, groups },
    { accountId: her.accountId, verified: false, groups },
  ])
})

const changed = { identity: 'changed', held: 2, draft: 'Bonjour' } as const
const note = message(her, 20, 'them', at('09:58'), '', { kind: 'system', note: { kind: 'identityChanged' } })

for (const [locale, title, held, paused, compare] of [
  [
    'fr',
    'L’identité de Aïssatou Kermorvan a changé à 09:58',
    '2\u00a0messages en attente de votre décision.',
    'Envoi suspendu jusqu’à votre décision. Votre texte est conservé en brouillon.',
    'Comparer le numéro de sécurité…',
  ],
  [
    'en',
    'Aïssatou Kermorvan’s identity changed at 09:58',
    '2 messages waiting for your decision.',
    'Sending is paused until you decide. Your text is kept as a draft.',
    'Compare the safety number…',
  ],
] as const) {
  test(`a changed identity: what waits, the draft is kept, nothing is sent (${locale})`, async ({
    page,
    valise,
  }) => {
    await valise.open(
      scenario(withHer(changed), {
        messages: { [her.accountId]: [...thread(), note] },
        appearance: { locale, theme: 'light' },
      }),
    )
    await openHer(page)
    const band = page.getByRole('alert').filter({ hasText: title })
    await expect(band).toContainText(held)
    await expect(composer(page)).toHaveValue('Bonjour')
    await expect(page.getByText(paused)).toBeVisible()
    await composer(page).focus()
    await page.keyboard.press('Enter')
    expect(await valise.calls('message.send')).toEqual([])
    await expect(composer(page)).toHaveValue('Bonjour')
    await expectAccessible(page)
    await band.getByRole('button', { name: compare }).click()
    await expectAccessible(page)
  })
}

test('compared: the groups that were seen go along, then it is verified and sending goes on', async ({
  page,
  valise,
}) => {
  await valise.open(scenario(withHer(changed)))
  await openHer(page)
  await page.getByRole('button', { name: 'Comparer le numéro de sécurité…' }).click()
  const dialog = page.getByRole('dialog')
  await expect(dialog.locator('.sn [aria-hidden]')).toHaveCount(12)
  const groups = await dialog.locator('.sn [aria-hidden]').allTextContents()
  await dialog.getByRole('button', { name: 'Les numéros sont identiques' }).click()
  await expect(dialog).toHaveCount(0)
  expect(await valise.calls('identity.accept')).toEqual([])
  expect(await valise.calls('identity.verify')).toEqual([
    { accountId: her.accountId, verified: true, groups },
  ])
  await expect(page.getByRole('button', { name: 'Vérifiée' })).toBeVisible()
  await composer(page).focus()
  await page.keyboard.press('Enter')
  await expect(page.getByTestId('thread')).toContainText('Bonjour')
})

test('without comparing it takes a second step, and does not verify', async ({ page, valise }) => {
  await valise.open(scenario(withHer(changed)))
  await openHer(page)
  await page.getByRole('button', { name: 'Comparer le numéro de sécurité…' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByRole('button', { name: 'Continuer sans comparer…' }).click()
  await expect(dialog.getByRole('button', { name: 'Accepter sans comparer' })).toBeInViewport()
  await expect(dialog).toContainText('rien n’assure que Aïssatou Kermorvan vous écrit')
  await expectAccessible(page)
  await dialog.getByRole('button', { name: 'Accepter sans comparer' }).click()
  await expect(dialog).toHaveCount(0)
  expect(await valise.calls('identity.accept')).toHaveLength(1)
  expect(await valise.calls('identity.verify')).toEqual([])
  await expect(page.getByTestId('thread')).toContainText('sans la comparer')
})

test('an identity that changed again meanwhile is not accepted; its new number is shown', async ({
  page,
  valise,
}) => {
  await valise.open(scenario(withHer(changed)))
  await openHer(page)
  await page.getByRole('button', { name: 'Comparer le numéro de sécurité…' }).click()
  const dialog = page.getByRole('dialog')
  await expect(dialog.locator('.sn')).toBeVisible()
  await valise.fail('identity.verify', { code: 'identity.superseded', details: {} })
  await dialog.getByRole('button', { name: 'Les numéros sont identiques' }).click()
  await expect(dialog.getByRole('alert').filter({ hasText: 'a changé de nouveau' })).toBeVisible()
  await expect.poll(() => valise.calls('identity.safetyNumber')).toHaveLength(2)
  expect(await valise.calls('identity.accept')).toEqual([])
  await page.keyboard.press('Escape')
  await expect(page.getByRole('button', { name: 'Comparer le numéro de sécurité…' })).toBeFocused()
})

for (const [width, height] of [
  [1280, 800],
  [720, 480],
  [640, 400],
] as const) {
  test(`what there is to decide is in view at ${width} × ${height}`, async ({ page, valise }) => {
    await page.setViewportSize({ width, height })
    await valise.open(scenario(withHer(changed)))
    await openHer(page)
    const compare = page.getByRole('button', { name: 'Comparer le numéro de sécurité…' })
    await expect(compare).toBeInViewport({ ratio: 1 })
    await expectNoClipping(page)
    await compare.click()
    await expect(page.getByRole('button', { name: 'Les numéros sont identiques' })).toBeInViewport({
      ratio: 1,
    })
    await expectNoClipping(page)
    await page.keyboard.press('Escape')
    await menu(page)
    await expectNoClipping(page)
    await page.keyboard.press('Escape')
    await valise.emit({ kind: 'conversation', conversation: conversation(her, { standing: 'request' }) })
    await expect(page.getByRole('button', { name: 'Accepter' })).toBeInViewport({ ratio: 1 })
    await expectNoClipping(page)
  })
}

for (const theme of ['dark', 'contrast'] as const) {
  test(`bars, menus and dialogs are accessible (${theme})`, async ({ page, valise }) => {
    await valise.open(scenario(withHer(changed), { appearance: { locale: 'fr', theme } }))
    await openHer(page)
    await expectAccessible(page)
    await page.getByRole('button', { name: 'Comparer le numéro de sécurité…' }).click()
    await page.getByRole('button', { name: 'Continuer sans comparer…' }).click()
    await expectAccessible(page)
    await page.keyboard.press('Escape')
    await menu(page)
    await expectAccessible(page)
    await page.keyboard.press('Escape')
    await valise.emit({ kind: 'conversation', conversation: conversation(her, { standing: 'blocked' }) })
    await expectAccessible(page)
  })
}
