import { expect, expectAccessible, expectNoClipping, test } from './harness.ts'
import { locked, managed, now, ready, scenario } from './scenarios.ts'

for (const [locale, label, button, ready] of [
  ['fr', 'Phrase de passe', 'Déverrouiller', 'Votre valise est prête'],
  ['en', 'Passphrase', 'Unlock', 'Your Valise is ready'],
] as const) {
  test(`the vault opens by passphrase (${locale})`, async ({ page, valise }) => {
    await valise.open(scenario(locked, { appearance: { locale, theme: 'light' } }))
    await expect(page.getByLabel(label, { exact: true })).toBeFocused()
    await page.keyboard.type('quatre chevaux sur la digue')
    await page.getByRole('button', { name: button }).click()
    await expect(page.getByRole('heading', { name: ready })).toBeVisible()
  })
}

test('a wrong passphrase is told with the attempts left, and a wait counts down', async ({
  page,
  valise,
}) => {
  await valise.open(scenario(locked))
  const field = page.getByLabel('Phrase de passe', { exact: true })
  for (const left of [4, 3, 2, 1]) {
    await field.fill(`essai ${left}`)
    await page.keyboard.press('Enter')
    await expect(page.getByRole('alert')).toContainText('Phrase de passe incorrecte')
    await expect(field).toHaveAccessibleDescription(new RegExp(`Il reste ${left}\\sessai`))
  }
  await field.fill('dernier')
  await page.keyboard.press('Enter')
  await expect(page.getByRole('alert')).toContainText('Trop d’essais incorrects')
  await expect(page.getByText('Prochain essai possible dans 30\u00a0s.')).toBeVisible()
  await expect(page.getByRole('button', { name: 'Déverrouiller' })).toHaveAttribute('aria-disabled', 'true')
  await page.keyboard.press('Enter')
  expect(await valise.calls('vault.unlock')).toHaveLength(5)
  await page.clock.setFixedTime(now + 31_000)
  await expect(page.getByText('Prochain essai')).toHaveCount(0)
  await field.fill('quatre chevaux sur la digue')
  await page.keyboard.press('Enter')
  await expect(page.getByRole('heading', { name: 'Votre valise est prête' })).toBeVisible()
})

test('a wait that began before is shown', async ({ page, valise }) => {
  await valise.open(scenario({ phase: 'locked', managed, waitUntil: now + 300_000 }))
  await expect(page.getByText('Prochain essai possible dans 5\u00a0minutes.')).toBeVisible()
})

test('nothing typed is told beside the button', async ({ page, valise }) => {
  await valise.open(scenario(locked))
  await page.getByRole('button', { name: 'Déverrouiller' }).click()
  await expect(page.getByText('Saisissez la phrase de passe pour ouvrir le coffre.')).toBeVisible()
  expect(await valise.calls('vault.unlock')).toEqual([])
})

test('a defect of the page is shown by its code, and nothing is written anywhere', async ({
  page,
  valise,
}) => {
  await valise.open(scenario(ready()))
  // Not a state that the contract allows: it stands for any defect.
  await valise.emit({ kind: 'connection', connection: null as never })
  await expect(page.getByRole('heading', { name: 'Valise ne peut pas s’ouvrir ici' })).toBeVisible()
  await expect(page.getByRole('alert')).toContainText('internal')
})

test('the passphrase can be shown', async ({ page, valise }) => {
  await valise.open(scenario(locked))
  const field = page.getByLabel('Phrase de passe', { exact: true })
  await field.fill('secret')
  await page.getByRole('button', { name: 'Afficher la phrase de passe' }).click()
  await expect(field).toHaveAttribute('type', 'text')
})

test('nothing of the vault stays in the page when it is locked', async ({ page, valise }) => {
  await valise.open(scenario(ready()))
  await page.getByRole('option', { name: /^Aïssatou/ }).click()
  await expect(page.getByText('Je transmets au cabinet.').last()).toBeVisible()
  await page.getByTestId('composer').fill('texte commencé')
  await valise.emit({ kind: 'state', state: locked })
  await expect(page.getByRole('heading', { name: 'Valise est verrouillée' })).toBeVisible()
  const html = await page.evaluate<string>('document.documentElement.outerHTML')
  expect(html).not.toContain('Kermorvan')
  expect(html).not.toContain('texte commencé')
  await expect(page).toHaveTitle('Valise — Valise est verrouillée')
})

for (const locale of ['fr', 'en'] as const) {
  test(`a refusal says why, what to do and the code (${locale})`, async ({ page, valise }) => {
    const error = { code: 'vault.keyStoreRefused', details: {} } as const
    await valise.open(scenario({ phase: 'refused', error }, { appearance: { locale, theme: 'light' } }))
    await expect(page.getByRole('alert')).toContainText(
      locale === 'fr' ? 'déverrouillez le trousseau' : 'unlock the key store',
    )
    await expect(page.getByText('vault.keyStoreRefused')).toBeVisible()
    await page.getByRole('button', { name: locale === 'fr' ? 'Fermer Valise' : 'Close Valise' }).click()
    expect(await valise.calls('window.control')).toEqual([{ action: 'close' }])
  })
}

for (const theme of ['light', 'dark', 'contrast'] as const) {
  test(`lock, refusal and start are accessible and nothing is cut off (${theme})`, async ({
    page,
    valise,
  }) => {
    await valise.open(scenario(locked, { appearance: { locale: 'fr', theme } }))
    await page.getByLabel('Phrase de passe', { exact: true }).fill('x')
    await page.keyboard.press('Enter')
    await expect(page.getByRole('alert')).toContainText('incorrecte')
    for (const state of [
      null,
      { phase: 'refused', error: { code: 'vault.damaged', details: {} } },
      { phase: 'starting' },
    ] as const) {
      if (state !== null) await valise.emit({ kind: 'state', state })
      await expectAccessible(page)
      for (const size of [
        { width: 1280, height: 800 },
        { width: 640, height: 400 },
      ]) {
        await page.setViewportSize(size)
        await expectNoClipping(page)
      }
    }
  })
}
