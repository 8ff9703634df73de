import type { Page } from '@playwright/test'
import type { MessageView } from '../../src/contract/index.ts'
import { expect, expectAccessible, expectNoClipping, test } from './harness.ts'
import { people } from './people.ts'
import { at, conversation, everyRow, message, now, ready, scenario } from './scenarios.ts'

const her = people.aissatou
const rows = (page: Page) => page.getByTestId('thread').getByRole('article')
const composer = (page: Page) => page.getByTestId('composer')

async function openThread(
  page: Page,
  open: (one: ReturnType<typeof scenario>) => Promise<void>,
  messages: MessageView[],
  locale: 'fr' | 'en' = 'fr',
  theme: 'light' | 'dark' | 'contrast' = 'light',
): Promise<void> {
  await open(scenario(ready(), { messages: { [her.accountId]: messages }, appearance: { locale, theme } }))
  await page.getByRole('option', { name: /^Aïssatou/ }).click()
}

test('marks are elements: mention, formats, edited mark, quote, timer and notes', async ({
  page,
  valise,
}) => {
  await openThread(page, valise.open, everyRow())
  const marked = rows(page).nth(1)
  await expect(marked.locator('.mention.me')).toHaveText('@Solène Vauquelard')
  await expect(marked.locator('strong')).toHaveText('confirmez')
  await expect(marked.locator('em')).toHaveText('12 h 15')
  await expect(marked.locator('s')).toHaveText('code')
  await expect(marked.locator('code')).toHaveText('A7')
  await expect(
    rows(page).nth(0).getByRole('img', { name: 'Disparaît 1\u00a0semaine après la lecture' }),
  ).toBeVisible()
  await expect(rows(page).nth(2)).toContainText('Disparaît dans 42\u00a0minutes')
  await expect(rows(page).nth(3)).toContainText('Message supprimé par son auteur.')
  await expect(rows(page).nth(4)).toContainText('Il a été redemandé à Aïssatou Kermorvan')
  await expect(rows(page).nth(5)).toHaveAccessibleName(/écrit aussi depuis un nouveau poste/)
  await expect(rows(page).nth(6)).toContainText('a réglé les messages éphémères : 1\u00a0semaine.')
  await expect(rows(page).nth(7)).toContainText('Pris en compte par Aïssatou Kermorvan, 10:51')
  await rows(page)
    .nth(7)
    .getByRole('button', { name: /Aller au message cité/ })
    .click()
  await expect(marked).toBeFocused()
})

for (const [locale, seen, agree, you, after] of [
  ['fr', 'Vu', 'D’accord', 'Vous', 'Vu, 2\u00a0: Aïssatou Kermorvan, Vous'],
  ['en', 'Seen', 'Agreed', 'You', 'Seen, 2: Aïssatou Kermorvan, You'],
] as const) {
  test(`reactions say what, how many and who; keys and chips toggle (${locale})`, async ({
    page,
    valise,
  }) => {
    await openThread(page, valise.open, everyRow(), locale)
    const row = rows(page).nth(1)
    const chips = row.getByRole('group').getByRole('button')
    // The service's own come first, whatever the order in which they were given.
    await expect(chips).toHaveText([`${seen} 1`, `${agree} 1`, '🎉 1'])
    await expect(chips.nth(1)).toHaveAttribute('aria-pressed', 'true')
    await expect(chips.nth(1)).toHaveAccessibleName(new RegExp(`${agree}.*${you}$`))
    await row.focus()
    await page.keyboard.press('v')
    await expect(chips).toHaveText([`${seen} 2`, '🎉 1'])
    await expect(chips.nth(0)).toHaveAccessibleName(after)
    await chips.nth(0).click()
    await expect(chips).toHaveText([`${seen} 1`, '🎉 1'])
    const reactions = (await valise.calls('message.react')) as { reaction: unknown }[]
    expect(reactions.map((one) => one.reaction)).toEqual([{ kind: 'service', reaction: 'seen' }, null])
  })
}

test('taking into account: asked, given once, with its time', async ({ page, valise }) => {
  await openThread(page, valise.open, everyRow())
  const row = rows(page).nth(2)
  await expect(row).toContainText('À prendre en compte avant 12:00.')
  await row.getByRole('button', { name: 'Pris en compte', exact: true }).click()
  await expect(row).toContainText('Pris en compte par vous, 10:57')
  await expect(row.getByRole('button', { name: 'Pris en compte', exact: true })).toHaveCount(0)
  expect(await valise.calls('message.acknowledge')).toHaveLength(1)
})

test('a reply by keyboard: R, the quoted text above the field, Escape leaves it', async ({
  page,
  valise,
}) => {
  const all = everyRow()
  await openThread(page, valise.open, all)
  await rows(page).nth(1).focus()
  await page.keyboard.press('r')
  await expect(composer(page)).toBeFocused()
  await expect(page.getByText('Réponse à Aïssatou Kermorvan')).toBeVisible()
  await page.keyboard.press('Escape')
  await expect(page.getByText('Réponse à Aïssatou Kermorvan')).toHaveCount(0)
  await expect(composer(page)).toBeFocused()
  await rows(page).nth(1).focus()
  await page.keyboard.press('R')
  await page.keyboard.type('Oui')
  await page.keyboard.press('Enter')
  await expect(rows(page).last()).toContainText('Oui')
  const [sent] = (await valise.calls('message.send')) as { quote: unknown }[]
  expect(sent?.quote).toEqual({ authorId: her.accountId, messageId: all[1]?.messageId })
  await expect(
    rows(page)
      .last()
      .getByRole('button', { name: /^Aïssatou Kermorvan/ }),
  ).toBeVisible()
})

test('a refused reply comes back as a reply', async ({ page, valise }) => {
  await openThread(page, valise.open, everyRow())
  await rows(page).nth(1).focus()
  await page.keyboard.press('r')
  await page.keyboard.type('Oui')
  await valise.fail('message.send', { code: 'vault.diskFull', details: {} })
  await page.keyboard.press('Enter')
  await expect(composer(page)).toHaveValue('Oui')
  await expect(page.getByText('Réponse à Aïssatou Kermorvan')).toBeVisible()
})

test('↑ in an empty field edits one’s last message; ranges move with the text; the draft waits', async ({
  page,
  valise,
}) => {
  const mine = message(her, 9, 'me', at('10:50'), 'rendez-vous demain', {
    formats: [{ start: 12, length: 6, style: 'bold' }],
  })
  await openThread(page, valise.open, [...everyRow(), mine])
  await page.keyboard.press('ArrowUp')
  await expect(page.getByText('Modification de votre message')).toBeVisible()
  await expect(composer(page)).toHaveValue('rendez-vous demain')
  await page.keyboard.press('Home')
  await page.keyboard.type('le ')
  await page.keyboard.press('Enter')
  await expect(rows(page).last()).toContainText('le rendez-vous demain')
  await expect(composer(page)).toHaveValue('')
  expect(await valise.calls('message.edit')).toEqual([
    {
      messageId: mine.messageId,
      text: 'le rendez-vous demain',
      formats: [{ start: 15, length: 6, style: 'bold' }],
      mentions: [],
    },
  ])
  await rows(page)
    .last()
    .getByRole('button', { name: /^\(modifié\)/ })
    .click()
  const dialog = page.getByRole('dialog', { name: 'Versions de ce message' })
  await expect(dialog.getByRole('listitem')).toHaveCount(2)
  await expect(dialog.getByRole('listitem').first()).toContainText('Version actuelle, 10:57')
  await expect(dialog.getByRole('listitem').last()).toContainText('Première version, 10:50rendez-vous demain')
  await expectAccessible(page)
  await page.keyboard.press('Escape')
  await expect(dialog).toHaveCount(0)
  await composer(page).fill('brouillon')
  await rows(page).last().focus()
  await page.keyboard.press('e')
  await expect(composer(page)).toHaveValue('le rendez-vous demain')
  await page.keyboard.press('Escape')
  await expect(composer(page)).toHaveValue('brouillon')
})

test('an edit that is refused stays in the field', async ({ page, valise }) => {
  await openThread(page, valise.open, everyRow())
  await page.keyboard.press('ArrowUp')
  await composer(page).fill('Autre')
  await valise.fail('message.edit', { code: 'message.notEditable', details: {} })
  await page.getByRole('button', { name: 'Enregistrer' }).click()
  await expect(page.getByRole('alert').filter({ hasText: 'pendant 24 heures' })).toBeVisible()
  await expect(composer(page)).toHaveValue('Autre')
})

test('deleting asks for whom, begins on nothing that deletes, and leaves a mark or none', async ({
  page,
  valise,
}) => {
  await openThread(page, valise.open, everyRow())
  const own = rows(page).nth(7)
  await own.focus()
  await page.keyboard.press('Delete')
  const dialog = page.getByRole('dialog', { name: 'Supprimer ce message\u202f?' })
  await expect(dialog.getByRole('button', { name: 'Annuler' })).toBeFocused()
  await expectAccessible(page)
  await page.keyboard.press('Escape')
  await expect(own).toBeFocused()
  await page.keyboard.press('Delete')
  await dialog.getByRole('button', { name: 'Supprimer pour tous' }).click()
  await expect(own).toContainText('Vous avez supprimé ce message.')
  await rows(page).nth(2).focus()
  await page.keyboard.press('Delete')
  await expect(dialog.getByRole('button', { name: 'Supprimer pour tous' })).toHaveCount(0)
  await dialog.getByRole('button', { name: 'Supprimer pour moi' }).click()
  await expect(page.getByText('À signer.')).toHaveCount(0)
  // The focus does not fall out of the window with the row.
  await expect(rows(page).last()).toBeFocused()
  expect(await valise.calls('message.deleteForEveryone')).toHaveLength(1)
  expect(await valise.calls('message.deleteForMe')).toHaveLength(1)
})

test('the tools by pointer, and by → through them', async ({ page, valise }) => {
  await openThread(page, valise.open, everyRow())
  const row = rows(page).nth(7)
  await row.hover()
  const tools = row.getByRole('toolbar')
  await expect(tools).toBeVisible()
  await tools.getByRole('button', { name: 'Copier (C)' }).click()
  await expect(page.getByText('Texte copié.')).toBeVisible()
  await tools.getByRole('button', { name: 'Autre réaction' }).click()
  await expect(page.getByRole('menuitemcheckbox', { name: 'Merci' })).toBeFocused()
  await expectAccessible(page)
  await page.keyboard.press('Enter')
  await expect(row.getByRole('button', { name: 'Merci, 1\u00a0: Vous' })).toBeVisible()
  await row.focus()
  for (const name of [/cité$/, /^Merci/, 'Vu (V)', 'D’accord (D)']) {
    await page.keyboard.press('ArrowRight')
    await expect(row.getByRole('button', { name, exact: true })).toBeFocused()
  }
  await page.keyboard.press('ArrowLeft')
  await expect(row.getByRole('button', { name: 'Vu (V)' })).toBeFocused()
  await page.keyboard.press('Escape')
  await expect(row).toBeFocused()
})

test('asking to be taken into account, with a deadline', async ({ page, valise }) => {
  await openThread(page, valise.open, [])
  await page.getByRole('button', { name: 'Demander la prise en compte' }).click()
  await page.getByLabel('Échéance de la prise en compte').selectOption('Dans 4\u00a0heures')
  await composer(page).fill('À valider')
  await page.keyboard.press('Enter')
  const [sent] = (await valise.calls('message.send')) as { acknowledgement: unknown }[]
  expect(sent?.acknowledgement).toEqual({ deadline: now + 4 * 3_600_000 })
  await expect(rows(page).last()).toContainText('Prise en compte demandée avant 14:57.')
  await expect(page.getByRole('button', { name: 'Demander la prise en compte' })).toHaveAttribute(
    'aria-pressed',
    'false',
  )
})

test('typing: told once to who listens, and to the other side only when the switch is on', async ({
  page,
  valise,
}) => {
  await valise.open(
    scenario(ready({ settings: { deliveryReceipts: true, readReceipts: true, typingNotices: true } })),
  )
  await page.getByRole('option', { name: /^Aïssatou/ }).click()
  await composer(page).pressSequentially('bonjour')
  expect(await valise.calls('conversation.typing')).toEqual([{ conversationId: her.accountId, typing: true }])
  await page.keyboard.press('Enter')
  await expect
    .poll(() => valise.calls('conversation.typing'))
    .toContainEqual({ conversationId: her.accountId, typing: false })
  const status = page.getByRole('status').filter({ hasText: 'Aïssatou Kermorvan écrit…' })
  await valise.emit({ kind: 'conversation', conversation: conversation(her, { typing: true }) })
  await expect(status).toHaveCount(1)
  await expect(page.locator('.typing')).toHaveText('Aïssatou Kermorvan écrit…')
  await valise.emit({ kind: 'conversation', conversation: conversation(her, { typing: false }) })
  await expect(status).toHaveCount(0)
  await valise.emit({ kind: 'conversation', conversation: conversation(her, { typing: true }) })
  await expect(page.locator('.typing')).toHaveText('Aïssatou Kermorvan écrit…')
  await expect(status).toHaveCount(0)
})

test('nothing is told of typing while the switch is off', async ({ page, valise }) => {
  await openThread(page, valise.open, [])
  await composer(page).pressSequentially('bonjour')
  await page.keyboard.press('Enter')
  await expect(rows(page)).toHaveCount(1)
  expect(await valise.calls('conversation.typing')).toEqual([])
})

for (const theme of ['light', 'dark', 'contrast'] as const) {
  test(`every kind of row is accessible (${theme})`, async ({ page, valise }) => {
    await openThread(page, valise.open, everyRow(), 'en', theme)
    await rows(page).nth(7).hover()
    await page.keyboard.press('ArrowUp')
    await expectAccessible(page)
  })
}

for (const [width, height] of [
  [720, 480],
  [640, 400],
] as const) {
  test(`no row is cut off at ${width} × ${height}`, async ({ page, valise }) => {
    await page.setViewportSize({ width, height })
    await openThread(page, valise.open, everyRow())
    await rows(page).nth(2).focus()
    await page.keyboard.press('r')
    await expectNoClipping(page)
    await rows(page).nth(7).focus()
    await page.keyboard.press('Delete')
    await expectNoClipping(page)
  })
}
