import { mkdir } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type { Page } from '@playwright/test'
import { test } from './harness.ts'
import {
  at,
  conversations,
  code,
  enrolment,
  everyRow,
  managed,
  now,
  offline,
  queuedThread,
  ready,
  scenario,
} from './scenarios.ts'
import { people } from './people.ts'

/** Makes the pictures of `docs/screens`: `VALISE_PICTURES=1 npx playwright test -c e2e/renderer screens`. */
const folder = fileURLToPath(new URL('../../docs/screens/ours/', import.meta.url))

const shoot = async (page: Page, name: string): Promise<void> => {
  await mkdir(folder, { recursive: true })
  await page.waitForTimeout(200)
  await page.screenshot({ path: `${folder}${name}.png` })
}

const openHer = (page: Page) => page.getByRole('option', { name: /^Aïssatou Kermorvan/ }).click()

for (const theme of ['light', 'dark', 'contrast'] as const) {
  test(`main ${theme}`, async ({ page, valise }) => {
    await valise.open(scenario(ready(), { appearance: { locale: 'fr', theme } }))
    await openHer(page)
    await page.getByRole('heading', { name: 'Messages' }).click()
    await shoot(page, `01-main-${theme}`)
  })
}

test('main in a forced-colours theme of the system', async ({ page, valise }) => {
  await page.emulateMedia({ forcedColors: 'active' })
  await valise.open(
    scenario(ready({ connection: offline }), { messages: { [people.aissatou.accountId]: queuedThread() } }),
  )
  await openHer(page)
  await shoot(page, '01-main-forced-colors')
})

test('main 720 × 480', async ({ page, valise }) => {
  await page.setViewportSize({ width: 720, height: 480 })
  await valise.open(scenario(ready()))
  await openHer(page)
  await shoot(page, '01-main-720x480')
})

test('main at 200 %', async ({ page, valise }) => {
  await page.setViewportSize({ width: 640, height: 400 })
  await valise.open(scenario(ready()))
  await openHer(page)
  await shoot(page, '01-main-zoom200')
})

test('enrolment', async ({ page, valise }) => {
  const fixed = { ...managed, relayAddress: 'valise.cabinet.exemple.gouv.example' }
  await valise.open(scenario({ ...enrolment, managed: fixed }))
  await page.getByLabel('Code d’invitation').pressSequentially('K7QM-24XD-9')
  await shoot(page, '02a-enrol-server')
  await page.getByLabel('Code d’invitation').fill(code)
  await page.getByRole('button', { name: 'Continuer' }).click()
  await page.getByRole('radio', { name: /Phrase de passe/ }).check()
  await page.getByLabel('Phrase de passe', { exact: true }).last().fill('cinq mots bien assez l')
  await page.getByLabel('Confirmer').fill('cinq mots bien assez l')
  // By keyboard, so that the picture shows the focus as the design's does.
  await page.getByRole('radio', { name: /Phrase de passe/ }).focus()
  await page.keyboard.press('ArrowUp')
  await page.keyboard.press('ArrowDown')
  await shoot(page, '02b-enrol-protect')
  await page.keyboard.press('Tab')
  await page.keyboard.press('Tab')
  await page.keyboard.press('Tab')
  await page.keyboard.press('Enter')
  await page.getByRole('button', { name: 'Ouvrir l’annuaire' }).waitFor()
  await shoot(page, '02d-empty')
})

test('enrolment by a whole invitation', async ({ page, valise }) => {
  await valise.open(scenario(enrolment))
  const { invitation } = await import('./scenarios.ts')
  await page.getByLabel('Invitation', { exact: true }).fill(invitation)
  await page.getByText('Joignable').waitFor()
  await shoot(page, '02a-enrol-invitation')
})

test('lock', async ({ page, valise }) => {
  await valise.open(scenario({ phase: 'locked', managed, waitUntil: null }))
  await page.getByLabel('Phrase de passe', { exact: true }).fill('incorrect')
  await page.keyboard.press('Enter')
  await page.getByText('Il reste').waitFor()
  await shoot(page, '07-lock')
})

test('offline', async ({ page, valise }) => {
  const her = people.aissatou.accountId
  const waiting = conversations().map((one) =>
    one.conversationId === her
      ? {
          ...one,
          activeAt: at('10:57'),
          queued: 3,
          preview: { text: 'Les éléments de langage suivent.', own: true, delivery: 'queued' as const },
        }
      : one,
  )
  await valise.open(
    scenario(ready({ connection: offline, conversations: waiting }), { messages: { [her]: queuedThread() } }),
  )
  await openHer(page)
  await shoot(page, '08-offline')
})

test('directory, card and settings', async ({ page, valise }) => {
  await valise.open(scenario(ready()))
  await page.getByRole('navigation').getByRole('button', { name: 'Annuaire' }).click()
  await page.getByRole('searchbox').fill('aïssatou')
  await page.getByRole('option', { name: /^Aïssatou/ }).click()
  await shoot(page, 'directory')
  await page.getByRole('button', { name: 'Réglages' }).click()
  await shoot(page, 'settings')
  await page.getByRole('button', { name: /^Messages/ }).click()
  await page.getByRole('option', { name: /^Driss/ }).click()
  await shoot(page, 'held')
})

test('identity, devices, privacy and linking', async ({ page, valise }) => {
  await valise.open(scenario(ready()))
  await page.getByRole('option', { name: /^Driss/ }).click()
  await page.getByRole('button', { name: 'Comparer le numéro de sécurité…' }).focus()
  await shoot(page, '04b-key-changed')
  await page.keyboard.press('Enter')
  await page.getByRole('button', { name: 'Les numéros sont identiques' }).waitFor()
  await shoot(page, '04-verify-dialog')
  await page.keyboard.press('Escape')
  await page.keyboard.press('Control+3')
  await page.getByRole('button', { name: 'Confidentialité' }).click()
  await shoot(page, '06-settings-privacy')
  await page.getByRole('button', { name: 'Postes liés' }).click()
  await shoot(page, '06b-settings-devices')
  await page.getByRole('button', { name: 'Lier un poste…' }).click()
  await shoot(page, 'link-code-field')
  const link = { code: 'K7QM24XD9PLAW3RTY6BN', expiresAt: now + 540_000 }
  await valise.emit({ kind: 'state', state: { ...enrolment, link } })
  await shoot(page, 'link-code')
})

test('a direct conversation with everything that a row may carry', async ({ page, valise }) => {
  const messages = { [people.aissatou.accountId]: everyRow() }
  await valise.open(scenario(ready(), { messages }))
  await openHer(page)
  await page.keyboard.press('Shift+F6')
  await shoot(page, '01b-main-direct')
})
