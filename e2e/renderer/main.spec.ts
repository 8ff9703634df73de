import { createText, errorText } from '../../src/text/index.ts'
import type { Page } from '@playwright/test'
import { installFakeEngine } from './fakeEngine.ts'
import { expect, expectAccessible, expectNoClipping, test, widenText } from './harness.ts'
import { people } from './people.ts'
import {
  at,
  conversation,
  conversations,
  message,
  offline,
  online,
  queuedThread,
  ready,
  scenario,
  thread,
  enrolment,
  locked,
} from './scenarios.ts'

const her = people.aissatou
const open = (page: Page, name: RegExp = /^Aïssatou/) => page.getByRole('option', { name }).click()
const composer = (page: Page) => page.getByTestId('composer')
/** The directory says a number first when many match. */
const showAll = (page: Page) => page.getByRole('button', { name: 'Les montrer quand même' }).click()
const rows = (page: Page) => page.getByTestId('thread').getByRole('article')

for (const [locale, label, send, you] of [
  ['fr', 'Écrire à Aïssatou Kermorvan', 'Envoyer', 'Vous'],
  ['en', 'Write to Aïssatou Kermorvan', 'Send', 'You'],
] as const) {
  test(`a message is written and its way is shown (${locale})`, async ({ page, valise }) => {
    await valise.open(scenario(ready(), { appearance: { locale, theme: 'light' } }))
    await open(page)
    const field = page.getByRole('textbox', { name: label })
    await expect(field).toBeFocused()
    await page.keyboard.type('Bien reçu')
    await page.keyboard.press('Shift+Enter')
    await page.keyboard.type('merci')
    await page.keyboard.press('Enter')
    await expect(field).toHaveValue('')
    const last = rows(page).last()
    await expect(last).toHaveAttribute('data-delivery', 'sending')
    await expect(last).toContainText('Bien reçu\nmerci')
    const [sent] = (await valise.calls('message.send')) as { messageId: string; text: string }[]
    expect(sent?.text).toBe('Bien reçu\nmerci')
    for (const [delivery, word] of [
      ['sent', { fr: 'Envoyé', en: 'Sent' }],
      ['delivered', { fr: 'Remis', en: 'Delivered' }],
      ['read', { fr: 'Lu', en: 'Read' }],
    ] as const) {
      const change = message(her, 8, 'me', at('10:57'), 'Bien reçu\nmerci', {
        delivery,
        messageId: sent?.messageId ?? '',
      })
      await valise.emit({ kind: 'messages', messages: [change] })
      await expect(last).toHaveAttribute('data-delivery', delivery)
      await expect(last).toHaveAccessibleName(`${you}, 10:57, ${word[locale]}`)
      await expect(last.getByRole('img', { name: word[locale] })).toBeVisible()
    }
    await field.fill('par le bouton')
    await page.getByRole('button', { name: send, exact: true }).click()
    await expect(rows(page).last()).toContainText('par le bouton')
    await expect(field).toBeFocused()
  })
}

test('an empty message is not sent and the button says why', async ({ page, valise }) => {
  await valise.open(scenario(ready()))
  await open(page)
  await composer(page).fill('  \n ')
  await page.keyboard.press('Enter')
  await page.getByRole('button', { name: 'Envoyer' }).click()
  await expect(page.getByText('Écrivez un message pour l’envoyer.')).toBeVisible()
  expect(await valise.calls('message.send')).toEqual([])
})

test('the limit is said in words before and after it is reached', async ({ page, valise }) => {
  await valise.open(scenario(ready()))
  await open(page)
  await composer(page).fill('é'.repeat(8000))
  await expect(page.getByText(/Il reste 96\scaractères/)).toBeVisible()
  await composer(page).fill('é'.repeat(8195))
  await expect(page.getByText(/Trop long de 3\scaractères/)).toBeVisible()
  await page.keyboard.press('Enter')
  expect(await valise.calls('message.send')).toEqual([])
  await expect(composer(page)).toHaveValue('é'.repeat(8195))
})

test('a text that is refused comes back, and keeps its id when it is sent again', async ({
  page,
  valise,
}) => {
  await valise.open(scenario(ready()))
  await open(page)
  await valise.fail('message.send', { code: 'vault.diskFull', details: {} })
  await composer(page).fill('important')
  await page.keyboard.press('Enter')
  await expect(
    page.getByRole('alert').filter({ hasText: 'Votre texte est conservé. Le disque est plein' }),
  ).toBeVisible()
  await expect(composer(page)).toHaveValue('important')
  await page.keyboard.press('Enter')
  await expect(rows(page).last()).toContainText('important')
  const sent = (await valise.calls('message.send')) as { messageId: string }[]
  expect(sent).toHaveLength(2)
  expect(sent[0]?.messageId).toBe(sent[1]?.messageId)
})

test('a burst of sends stays in order', async ({ page, valise }) => {
  await valise.open(scenario(ready()))
  await open(page)
  for (let index = 0; index < 20; index += 1) {
    await page.keyboard.type(`n${index}`)
    await page.keyboard.press('Enter')
  }
  await expect(rows(page).last()).toContainText('n19')
  const sent = (await valise.calls('message.send')) as { text: string }[]
  expect(sent.map((one) => one.text)).toEqual(Array.from({ length: 20 }, (_, index) => `n${index}`))
})

test('drafts are kept when leaving, shown in the list, and there on coming back', async ({
  page,
  valise,
}) => {
  await valise.open(scenario(ready()))
  await open(page)
  await composer(page).fill('à finir')
  await open(page, /^Théodore/)
  await expect(composer(page)).toHaveValue('Monsieur le directeur, suite à notre échange')
  expect(await valise.calls('conversation.draft')).toContainEqual({
    conversationId: her.accountId,
    text: 'à finir',
  })
  await expect(page.getByRole('option', { name: /^Aïssatou.*Brouillon.*à finir/ })).toBeVisible()
  await open(page)
  await expect(composer(page)).toHaveValue('à finir')
  await page.keyboard.press('Enter')
  await expect
    .poll(() => valise.calls('conversation.draft'))
    .toContainEqual({ conversationId: her.accountId, text: '' })
})

test('a failed message says why and can be tried again or deleted', async ({ page, valise }) => {
  const error = { code: 'relay.unreachable', details: {} } as const
  const failed = message(her, 8, 'me', at('10:43'), 'Peux-tu relire ?', { delivery: 'failed', error })
  await valise.open(scenario(ready(), { messages: { [her.accountId]: [...thread(), failed] } }))
  await open(page)
  const last = rows(page).last()
  await expect(last).toContainText('Non envoyé. Le serveur est injoignable.')
  await last.getByRole('button', { name: 'Réessayer' }).click()
  await expect(last).toHaveAttribute('data-delivery', 'sending')
  await valise.emit({ kind: 'messages', messages: [failed] })
  await expect(page.getByRole('alert').filter({ hasText: 'Non envoyé' }).first()).toBeAttached()
  await last.getByRole('button', { name: 'Supprimer' }).click()
  await expect(page.getByText('Peux-tu relire ?')).toHaveCount(0)
  expect(await valise.calls('message.discard')).toEqual([{ messageId: failed.messageId }])
})

for (const code of ['relay.deviceGone', 'relay.certificate', 'profile.inUse'] as const) {
  test(`offline for a reason that only people can mend is told as such: ${code}`, async ({
    page,
    valise,
  }) => {
    const connection = { ...offline, nextAttemptAt: null, error: { code, details: {} } }
    await valise.open(scenario(ready({ connection })))
    const banner = page.locator('.banner')
    await expect(banner).toContainText(errorText(createText('fr'), code))
    await expect(banner).not.toContainText('Nouvel essai')
    await expect(banner).not.toContainText('retour du réseau')
    await expect(page.getByRole('button', { name: 'Réessayer maintenant' })).toBeVisible()
  })
}

test('offline: since when, what waits, next attempt; writing queues; sending can be cancelled', async ({
  page,
  valise,
}) => {
  const queued = queuedThread()
  await valise.open(scenario(ready({ connection: offline }), { messages: { [her.accountId]: queued } }))
  await open(page)
  const banner = page.locator('.banner')
  await expect(banner).toContainText('Hors ligne depuis 10:53.')
  await expect(banner).toContainText('3\u00a0messages partiront dès le retour du réseau.')
  await expect(banner).toContainText('Nouvel essai dans 24\u00a0s')
  await banner.getByRole('button', { name: 'Réessayer maintenant' }).click()
  expect(await valise.calls('connection.retry')).toHaveLength(1)
  await expect(page.getByTestId('thread')).toContainText('En attente du réseau : 3\u00a0messages')
  await composer(page).fill('encore un')
  await page.getByRole('button', { name: 'Mettre en attente' }).click()
  await expect(rows(page).last()).toHaveAttribute('data-delivery', 'queued')
  await expect(page.getByTestId('thread')).toContainText('En attente du réseau : 4\u00a0messages')
  const row = page.locator(`[data-message-id="${queued.at(-1)?.messageId}"]`)
  await row.hover()
  await row.getByRole('button', { name: 'Annuler l’envoi' }).click()
  await expect(row).toHaveCount(0)
  await valise.fail('message.discard', { code: 'message.notFound', details: {} })
  await rows(page).last().hover()
  await rows(page).last().getByRole('button', { name: 'Annuler l’envoi' }).click()
  await expect(page.getByRole('alert').filter({ hasText: 'Il a pu partir entre-temps' })).toBeVisible()
  await valise.emit({ kind: 'connection', connection: online })
  await expect(banner).toHaveCount(0)
  await expect(page.getByRole('button', { name: 'Envoyer' })).toBeVisible()
})

test('unread: counts, title, divider, and read once it has been seen', async ({ page, valise }) => {
  const ines = people.ines
  const all = [1, 2, 3, 4, 5, 6].map((n) => message(ines, n, 'them', at(`10:2${n}`), `message ${n}`))
  await valise.open(scenario(ready(), { messages: { [ines.accountId]: all } }))
  await expect(page).toHaveTitle('(3) Valise')
  await expect(page.getByRole('navigation')).toContainText('3\u00a0conversations non lues')
  await open(page, /^Inès.*2\snon lus/)
  await expect(page.getByTestId('thread')).toContainText(/Nouveaux messages.*message 5/s)
  await expect
    .poll(() => valise.calls('conversation.read'))
    .toEqual([{ conversationId: ines.accountId, position: 6 }])
  await expect(page).toHaveTitle('(2) Valise — Inès Mahjoubi-Lartigue')
  // What arrives before the person's eyes is read at once, without a divider of its own.
  const next = message(ines, 7, 'them', at('10:57'), 'message 7')
  await valise.emit({ kind: 'messages', messages: [next] })
  await valise.emit({ kind: 'conversation', conversation: conversation(ines, { unread: 1, firstUnread: 7 }) })
  await expect.poll(() => valise.calls('conversation.read')).toHaveLength(2)
  await expect(page.getByText('Nouveaux messages')).toHaveCount(1)
  await expect(page.getByRole('log')).toContainText('Inès Mahjoubi-Lartigue : message 7')
  await page.getByRole('button', { name: /^Non lues/ }).click()
  await expect(page.getByRole('option')).toHaveCount(3)
})

test('a gap in the deltas is healed by a snapshot and the thread is read again', async ({ page, valise }) => {
  await valise.open(scenario(ready()))
  await open(page)
  await expect(rows(page)).toHaveCount(7)
  await valise.lose({ kind: 'messages', messages: [message(her, 8, 'them', at('10:53'), 'perdu en route')] })
  await valise.emit({ kind: 'messages', messages: [message(her, 9, 'them', at('10:54'), 'après la perte')] })
  await expect(rows(page).last()).toContainText('après la perte')
  await expect(rows(page).nth(7)).toContainText('perdu en route')
  await expect(rows(page)).toHaveCount(9)
})

test('links open outside only when asked, text is never markup', async ({ page, valise }) => {
  const text = '<img src=x onerror=alert(1)> https://landes.example/arretes/1123. javascript:alert(1)'
  const all = [
    ...thread(),
    message(her, 8, 'them', at('10:55'), text),
    message(her, 9, 'them', at('10:56'), '', { kind: 'unknown' }),
  ]
  await valise.open(scenario(ready(), { messages: { [her.accountId]: all } }))
  await open(page)
  await expect(page.getByText('<img src=x onerror=alert(1)>')).toBeVisible()
  await expect(rows(page).nth(7).getByRole('link')).toHaveCount(1)
  await rows(page).nth(7).getByRole('link').click()
  expect(await valise.calls('link.open')).toEqual([{ address: 'https://landes.example/arretes/1123' }])
  await expect(rows(page).last()).toContainText('version plus récente de Valise')
  expect(page.url()).toBe(process.env['VALISE_PAGE'])
})

test('the directory: search, pages, a person, a new conversation', async ({ page, valise }) => {
  await valise.open(scenario(ready({ conversations: [] })))
  await expect(page.getByText('L’annuaire contient 1\u202f284')).toBeVisible()
  await page.getByRole('button', { name: 'Ouvrir l’annuaire' }).click()
  await expect(page.getByRole('searchbox')).toBeFocused()
  await expect(page.getByText('Tapez d’autres lettres')).toBeVisible()
  await expect(page.getByRole('option')).toHaveCount(0)
  await page.getByRole('button', { name: 'Les montrer quand même' }).click()
  await expect(page.getByRole('option')).toHaveCount(25)
  await page.getByRole('button', { name: 'Afficher la suite' }).click()
  await expect(page.getByRole('option')).toHaveCount(50)
  await page.getByRole('searchbox').fill('SIDPC')
  await expect(page.getByText('1\u00a0personne')).toBeVisible()
  await page.getByRole('option', { name: /Aïssatou/ }).click()
  await expect(page.getByRole('article')).toContainText('Cheffe du SIDPC')
  await page.getByRole('button', { name: 'Écrire à Aïssatou Kermorvan' }).click()
  await expect(page.getByRole('textbox', { name: 'Écrire à Aïssatou Kermorvan' })).toBeFocused()
  await page.keyboard.press('Control+n')
  await page.getByRole('searchbox').fill('zzz')
  await expect(page.getByText('Aucune personne ne correspond.')).toBeVisible()
  await valise.fail('directory.search', { code: 'budget.spent', details: { seconds: 601 } })
  await page.getByRole('searchbox').fill('sol')
  await expect(page.getByRole('alert').filter({ hasText: 'dans 11\u00a0minutes' })).toBeVisible()
  const address = 'https://relay.example:9443/#step-up'
  await valise.fail('directory.search', { code: 'budget.stepUp', details: { seconds: 601, address } })
  await page.getByRole('searchbox').fill('solè')
  await page.getByRole('button', { name: 'Confirmer dans le navigateur…' }).click()
  expect(await valise.calls('link.open')).toEqual([{ address }])
  await valise.fail('directory.search', { code: 'relay.unreachable', details: {} })
  await page.getByRole('searchbox').fill('solène')
  await expect(page.getByRole('alert').filter({ hasText: 'Le serveur est injoignable' })).toBeVisible()
  await page.getByRole('button', { name: 'Réessayer' }).click()
  await page.getByRole('option', { name: /Solène/ }).click()
  await expect(page.getByText('C’est vous.')).toBeVisible()
})

test('settings: language and theme', async ({ page, valise }) => {
  await valise.open(scenario(ready()))
  await page.getByRole('button', { name: 'Réglages' }).click()
  await page.getByLabel('Thème').selectOption('Sombre')
  await expect(page.locator('html')).toHaveAttribute('data-theme', 'dark')
  await page.getByLabel('Thème').selectOption('Comme le système')
  await expect(page.locator('html')).not.toHaveAttribute('data-theme')
  await page.getByLabel('Langue').selectOption('English')
  await expect(page.getByRole('heading', { name: 'Settings' })).toBeVisible()
  expect(await valise.calls('appearance.set')).toEqual([{ theme: 'dark' }, { theme: null }, { locale: 'en' }])
})

test('window controls ask main', async ({ page, valise }) => {
  await valise.open(scenario(ready()))
  await page.getByRole('button', { name: 'Réduire' }).click()
  await page.getByRole('button', { name: 'Agrandir ou restaurer' }).click()
  await page.getByRole('button', { name: 'Fermer', exact: true }).click()
  expect(await valise.calls('window.control')).toEqual([
    { action: 'minimise' },
    { action: 'maximise' },
    { action: 'close' },
  ])
})

test('the page tells when it is there', async ({ page }) => {
  // Without a test clock, which takes marks away.
  await page.addInitScript(installFakeEngine, scenario(ready()))
  await page.goto(process.env['VALISE_PAGE'] ?? '')
  await expect(page.getByTestId('conversation-list')).toBeVisible()
  expect(await page.evaluate(`performance.getEntriesByName('valise-ready').length`)).toBe(1)
})

for (const theme of ['light', 'dark', 'contrast'] as const) {
  test(`every screen of the window is accessible (${theme})`, async ({ page, valise }) => {
    const error = { code: 'relay.unreachable', details: {} } as const
    const all = [
      ...queuedThread(),
      message(her, 11, 'me', at('10:57'), 'raté', { delivery: 'failed', error }),
    ]
    await valise.open(
      scenario(ready({ connection: offline }), {
        messages: { [her.accountId]: all },
        appearance: { locale: 'fr', theme },
      }),
    )
    await expectAccessible(page)
    await open(page)
    await rows(page).nth(8).hover()
    await expectAccessible(page)
    await open(page, /^Driss/)
    await expectAccessible(page)
    await page.keyboard.press('Control+n')
    await expect(page.getByText('Tapez d’autres lettres')).toBeVisible()
    await expectAccessible(page)
    await showAll(page)
    await page.getByRole('option').nth(3).click()
    await expectAccessible(page)
    await page.keyboard.press('Control+3')
    await expectAccessible(page)
    await valise.emit({ kind: 'state', state: ready({ conversations: [] }) })
    await page.keyboard.press('Control+1')
    await expectAccessible(page)
  })
}

for (const [width, height] of [
  [1280, 800],
  [720, 480],
  [640, 400],
] as const) {
  test(`nothing is cut off at ${width} × ${height}`, async ({ page, valise }) => {
    await page.setViewportSize({ width, height })
    const error = { code: 'queue.full', details: {} } as const
    const long = message(her, 11, 'me', at('10:57'), `${'mot '.repeat(80)}${'w'.repeat(300)}`, {
      delivery: 'failed',
      error,
    })
    const named = { ...her, displayName: 'Marie-Antoinette de La Rochefoucauld-Montbéliard d’Arrieumerlou' }
    const list = conversations().map((one) =>
      one.person === her ? conversation(named, { activeAt: at('10:57'), unread: 0 }) : one,
    )
    await valise.open(
      scenario(ready({ connection: offline, conversations: list }), {
        messages: { [her.accountId]: [...queuedThread(), long] },
      }),
    )
    await expectNoClipping(page)
    await open(page, /^Marie/)
    await expect(composer(page)).toBeVisible()
    await composer(page).fill('ligne\n'.repeat(40))
    await expectNoClipping(page)
    await expect(page.getByRole('button', { name: 'Mettre en attente' })).toBeInViewport()
    const log = await page.getByTestId('thread').boundingBox()
    expect(log?.height).toBeGreaterThan(40)
    if (width === 640) {
      await expect(page.getByRole('listbox')).toBeHidden()
      await page.getByRole('button', { name: 'Retour à la liste' }).click()
      await expect(page.getByRole('listbox')).toBeVisible()
      await expect(page.getByRole('option').first()).toBeFocused()
    }
    await page.keyboard.press('Control+n')
    await expect(page.getByText('Tapez d’autres lettres')).toBeVisible()
    await expectNoClipping(page)
    await showAll(page)
    await page.getByRole('option').nth(2).click()
    await expectNoClipping(page)
    await page.keyboard.press('Control+3')
    await expectNoClipping(page)
    await valise.emit({ kind: 'state', state: ready({ conversations: [] }) })
    await page.keyboard.press('Control+1')
    await expect(page.getByRole('button', { name: 'Ouvrir l’annuaire' })).toBeVisible()
    await expectNoClipping(page)
  })
}

test('nothing is cut off with the text spacing of WCAG 1.4.12', async ({ page, valise }) => {
  await valise.open(
    scenario(ready({ connection: offline }), { messages: { [her.accountId]: queuedThread() } }),
  )
  await widenText(page)
  await open(page)
  await expectNoClipping(page)
  await page.keyboard.press('Control+n')
  await showAll(page)
  await page.getByRole('option').nth(2).click()
  await expectNoClipping(page)
  await page.keyboard.press('Control+3')
  await expectNoClipping(page)
  for (const state of [enrolment, locked]) {
    await valise.emit({ kind: 'state', state })
    await expectNoClipping(page)
  }
})
