import type { Page } from '@playwright/test'
import { expect, expectAccessible, expectNoClipping, test } from './harness.ts'
import { enrolment, managed, now, ready, scenario } from './scenarios.ts'

const relay = 'valise-relay:CgJ2MRIraHR0cHM6Ly92YWxpc2U'
const spoken = 'K 7 Q M'
const code = { code: 'K7QM24XD9PLAW3RTY6BN', expiresAt: now + 540_000 }

const words = {
  fr: {
    instead: 'J’ai déjà un poste en service',
    relay: 'Serveur',
    show: 'Afficher le code',
    title: 'Tapez ce code sur votre autre poste',
    label: 'Code, cinq groupes de quatre caractères',
    left: 'Valable encore 10\u00a0minutes.',
    cancel: 'Annuler',
  },
  en: {
    instead: 'I already have a workstation',
    relay: 'Server',
    show: 'Show the code',
    title: 'Type this code on your other workstation',
    label: 'Code, five groups of four characters',
    left: 'Valid for another 10 minutes.',
    cancel: 'Cancel',
  },
} as const

for (const locale of ['fr', 'en'] as const) {
  const say = words[locale]
  test(`a workstation is linked by keyboard; the state drives it (${locale})`, async ({ page, valise }) => {
    await valise.open(scenario(enrolment, { appearance: { locale, theme: 'light' } }))
    await page.getByRole('button', { name: say.instead }).focus()
    await page.keyboard.press('Enter')
    await expect(page.getByRole('heading', { level: 1 })).toBeFocused()
    await expectAccessible(page)
    await page.keyboard.press('Tab')
    await expect(page.getByRole('textbox', { name: say.relay })).toBeFocused()
    await page.keyboard.type(relay)
    await page.keyboard.press('Enter')
    await expect(page.getByRole('heading', { name: say.title })).toBeFocused()
    const groups = page.getByRole('group', { name: say.label })
    await expect(groups.locator('[aria-hidden]')).toHaveText(['K7QM', '24XD', '9PLA', 'W3RT', 'Y6BN'])
    await expect(groups).toContainText(spoken)
    await expect(page.getByText(say.left)).toBeVisible()
    await expectAccessible(page)
    expect(await valise.calls('link.begin')).toEqual([
      { relay, deviceName: enrolment.deviceName, protection: { kind: 'osKeyStore' } },
    ])
    await valise.emit({ kind: 'state', state: ready() })
    await expect(page.getByRole('listbox')).toBeVisible()
  })
}

test('where policy fixes the relay it is not asked for; the passphrase is', async ({ page, valise }) => {
  const fixed = { ...managed, relayAddress: 'valise.exemple.gouv.example', passphraseRequired: true }
  await valise.open(scenario({ ...enrolment, managed: fixed }))
  await page.getByRole('button', { name: words.fr.instead }).click()
  await expect(page.getByRole('textbox', { name: 'Serveur' })).toHaveCount(0)
  const show = page.getByRole('button', { name: words.fr.show })
  await expect(show).toHaveAccessibleDescription(/Il manque 16\scaractères à la phrase de passe/)
  await page.getByLabel('Phrase de passe', { exact: true }).last().fill('cinq mots bien assez longs')
  await page.getByLabel('Confirmer').fill('cinq mots bien assez longs')
  await show.click()
  await expect(page.getByRole('heading', { name: words.fr.title })).toBeVisible()
  expect(await valise.calls('link.begin')).toEqual([
    {
      relay: '',
      deviceName: enrolment.deviceName,
      protection: { kind: 'passphrase', passphrase: 'cinq mots bien assez longs' },
    },
  ])
})

const toForm = async (page: Page): Promise<void> => {
  await page.getByRole('button', { name: words.fr.instead }).click()
  await page.getByRole('textbox', { name: 'Serveur' }).fill(relay)
}

test('a refusal is said, what was typed stays; cancelling leads back', async ({ page, valise }) => {
  await valise.open(scenario(enrolment))
  await toForm(page)
  await valise.fail('link.begin', { code: 'relay.anchors', details: {} })
  await page.getByRole('button', { name: words.fr.show }).click()
  await expect(page.locator('.errline')).toBeVisible()
  await expect(page.getByRole('textbox', { name: 'Serveur' })).toHaveValue(relay)
  await page.getByRole('button', { name: words.fr.show }).click()
  await page.getByRole('button', { name: words.fr.cancel }).click()
  await expect(page.getByRole('textbox', { name: 'Serveur' })).toHaveValue(relay)
  expect(await valise.calls('link.cancel')).toHaveLength(1)
  await page.getByRole('button', { name: 'Retour' }).click()
  await expect(page.getByRole('heading', { name: 'Bienvenue dans Valise' })).toBeFocused()
})

test('a code that has run out says so and can be made anew', async ({ page, valise }) => {
  await valise.open(scenario(enrolment))
  await toForm(page)
  await page.getByRole('button', { name: words.fr.show }).click()
  await expect(page.getByText('K7QM')).toBeVisible()
  await page.clock.setFixedTime(now + 700_000)
  await expect(page.getByRole('alert').filter({ hasText: 'n’est plus valable' })).toBeVisible()
  await expect(page.getByText('K7QM')).toHaveCount(0)
  await expectAccessible(page)
  await page.getByRole('button', { name: 'Afficher un nouveau code' }).click()
  await expect(page.getByText('Z2XW')).toBeVisible()
  expect(await valise.calls('link.begin')).toHaveLength(2)
})

test('a page that is opened while a code waits shows it', async ({ page, valise }) => {
  await valise.open(scenario({ ...enrolment, link: code }))
  await expect(page.getByText('Valable encore 9\u00a0minutes.')).toBeVisible()
  await page.getByRole('button', { name: words.fr.cancel }).click()
  await expect(page.getByRole('heading', { name: 'Bienvenue dans Valise' })).toBeVisible()
})

for (const theme of ['dark', 'contrast'] as const) {
  test(`linking is accessible (${theme})`, async ({ page, valise }) => {
    await valise.open(scenario(enrolment, { appearance: { locale: 'fr', theme } }))
    await toForm(page)
    await expectAccessible(page)
    await valise.emit({ kind: 'state', state: { ...enrolment, link: code } })
    await expectAccessible(page)
  })
}

for (const [width, height] of [
  [720, 480],
  [640, 400],
] as const) {
  test(`linking at ${width} × ${height}`, async ({ page, valise }) => {
    await page.setViewportSize({ width, height })
    await valise.open(scenario(enrolment))
    await toForm(page)
    await expectNoClipping(page)
    await valise.emit({ kind: 'state', state: { ...enrolment, link: code } })
    await expect(page.getByText('Y6BN')).toBeInViewport()
    await expectNoClipping(page)
  })
}
